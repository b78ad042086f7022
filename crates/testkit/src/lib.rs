//! Test Codex agents without an account or a network: a scripted model and the real runtime.

mod error;
mod gate;
mod model;
mod monitor;
mod runtime;

pub use crate::error::{Error, Result};
pub use crate::gate::Gate;
pub use crate::model::{
    FunctionOutput, MockModel, MockModelBuilder, ModelRequest, OfferedTool, Reply, Scripted,
};
pub use crate::monitor::PATIENCE;
pub use crate::runtime::{McpServer, TestRuntime, TestRuntimeBuilder};
