//! What each verifier finds at an image, and what it makes of it.
