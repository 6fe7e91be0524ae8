//! One node: the place where the replica, the disk, the network and the application meet.
