//! File operations on root file systems made of layers: copy, read, list, pack
