//! Where the origins of tenants are kept.
