//! Dockerfile text to a typed build graph: a pure parser with spans, and its lowering
