//! The bundled cluster-management operator.
