//! The ledger: accounts, assets, transfers, receipts, and the command people use.
