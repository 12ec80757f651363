//! The catalog: services, environments and templates read from pipeline.toml and service.toml
