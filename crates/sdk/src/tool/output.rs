//! What a tool gives the model.

use openai_codex_types::{
    DynamicToolCallOutputContentItem as Item, DynamicToolCallResponse,
    InputImageDynamicToolCallOutputContentItem, InputTextDynamicToolCallOutputContentItem,
};
use serde::Serialize;
use serde_json::Value;

use crate::handler::HandlerError;

/// What a [`Tool`](crate::Tool) gives the model: text, JSON, images, or a mix of
/// them in this order.
///
/// ```
/// use openai_codex::ToolOutput;
///
/// let output = ToolOutput::text("The chart of last week:").and_image("image/png", b"...");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ToolOutput {
    items: Vec<Item>,
    success: bool,
}

impl ToolOutput {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        let items = vec![text_item(text.into())];
        Self {
            items,
            success: true,
        }
    }

    /// A value as JSON.
    ///
    /// # Errors
    ///
    /// When it cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, HandlerError> {
        Ok(Self::text(serde_json::to_string(value)?))
    }

    /// An image, by its MIME type and its bytes.
    pub fn image(mime: &str, bytes: impl AsRef<[u8]>) -> Self {
        Self::image_url(data_url(mime, bytes.as_ref()))
    }

    /// An image, by its URL; a data URL if the model shall see it in any case.
    pub fn image_url(url: impl Into<String>) -> Self {
        Self {
            items: vec![image_item(url.into())],
            success: true,
        }
    }

    /// A text that says what went wrong, as an error that a tool returns does.
    pub fn failure(text: impl Into<String>) -> Self {
        let mut output = Self::text(text);
        output.success = false;
        output
    }

    /// Adds a text.
    pub fn and_text(mut self, text: impl Into<String>) -> Self {
        self.items.push(text_item(text.into()));
        self
    }

    /// Adds an image, by its MIME type and its bytes.
    pub fn and_image(self, mime: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.and_image_url(data_url(mime, bytes.as_ref()))
    }

    /// Adds an image, by its URL.
    pub fn and_image_url(mut self, url: impl Into<String>) -> Self {
        self.items.push(image_item(url.into()));
        self
    }

    pub(crate) fn into_wire(self) -> DynamicToolCallResponse {
        DynamicToolCallResponse::new(self.items, self.success)
    }
}

/// What a tool may return: a text, JSON, or a [`ToolOutput`]; or a type of yours
/// that says how it becomes one.
///
/// ```
/// use openai_codex::{HandlerError, IntoToolOutput, ToolOutput};
///
/// struct Chart(Vec<u8>);
///
/// impl IntoToolOutput for Chart {
///     fn into_tool_output(self) -> Result<ToolOutput, HandlerError> {
///         Ok(ToolOutput::image("image/png", self.0))
///     }
/// }
/// ```
///
/// ```
/// use openai_codex::{HandlerError, Tool, ToolOutput};
/// use serde_json::json;
///
/// let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
/// let clock = Tool::with_schema("clock", "The time", schema.clone(), |_args, _cx| async {
///     Ok::<_, HandlerError>("noon")
/// });
/// let chart = Tool::with_schema("chart", "The chart", schema, |_args, _cx| async {
///     Ok::<_, HandlerError>(ToolOutput::image("image/png", b"..."))
/// });
/// ```
pub trait IntoToolOutput: Send {
    /// The output.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn into_tool_output(self) -> Result<ToolOutput, HandlerError>;
}

impl IntoToolOutput for ToolOutput {
    fn into_tool_output(self) -> Result<ToolOutput, HandlerError> {
        Ok(self)
    }
}

impl IntoToolOutput for String {
    fn into_tool_output(self) -> Result<ToolOutput, HandlerError> {
        Ok(ToolOutput::text(self))
    }
}

impl IntoToolOutput for &str {
    fn into_tool_output(self) -> Result<ToolOutput, HandlerError> {
        Ok(ToolOutput::text(self))
    }
}

impl IntoToolOutput for Value {
    fn into_tool_output(self) -> Result<ToolOutput, HandlerError> {
        ToolOutput::json(&self)
    }
}

fn text_item(text: String) -> Item {
    InputTextDynamicToolCallOutputContentItem::new(text).into()
}

fn image_item(url: String) -> Item {
    InputImageDynamicToolCallOutputContentItem::new(url).into()
}

/// `data:<mime>;base64,…`.
fn data_url(mime: &str, bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut url = format!("data:{mime};base64,");
    url.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0, |word, (at, byte)| {
            word | u32::from(*byte) << (16 - 8 * at)
        });
        for at in 0..4 {
            let sextet = (word >> (18 - 6 * at)) & 63;
            url.push(match at <= chunk.len() {
                true => char::from(ALPHABET[sextet as usize]),
                false => '=',
            });
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_data_url() {
        for (bytes, base64) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            let expected = format!("data:image/png;base64,{base64}");
            assert_eq!(data_url("image/png", bytes.as_bytes()), expected);
        }
        assert_eq!(data_url("a", &[0xff, 0xef, 0xbf]), "data:a;base64,/++/");
    }
}
