//! The embedded Dagger engine: the object graph, its cache and its executions behind dagger-sdk
