//! BDD-style specs for Kubernetes operators, one text on every tier.
