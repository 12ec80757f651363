//! How promotions look.
