//! The client: signs, submits, gathers matching answers, complains.
