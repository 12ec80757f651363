//! Runs one process in Linux namespaces over an overlay root file system, rootless and rootful
