//! Tests of the workspace as a whole, one file per behaviour.
