//! The delivery stages as Dagger functions, and the command line around them
