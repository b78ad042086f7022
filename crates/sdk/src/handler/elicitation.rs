//! Answers to what an MCP server asks of the user.

use std::fmt;

use openai_codex_types::{
    McpServerElicitationAction, McpServerElicitationRequestParams,
    McpServerElicitationRequestResponse,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::HandlerError;

/// The answer to what an MCP server asks of the user, or to whether one of its
/// tools may be called, which the runtime asks in the same way.
///
/// What is accepted must have the form that was asked for; otherwise it is
/// answered as an error.
///
/// ```no_run
/// use openai_codex::types::McpServerElicitationRequestParams as Request;
/// use openai_codex::{ElicitationAnswer, Handlers};
/// use serde_json::json;
///
/// let handlers = Handlers::new().elicitation(|request, _cx| async move {
///     match request {
///         Request::Form(form) if form.server_name == "directory" => {
///             ElicitationAnswer::accept(json!({"name": "Ada"}))
///         }
///         _ => ElicitationAnswer::decline(),
///     }
/// });
/// ```
#[derive(Clone)]
#[must_use]
pub struct ElicitationAnswer {
    action: McpServerElicitationAction,
    content: Result<Option<Value>, HandlerError>,
    meta: Option<Value>,
}

impl ElicitationAnswer {
    /// Gives what was asked for: an object with the members that the requested
    /// schema names. An empty one (`json!({})`) where the schema names none, as
    /// when a tool needs approval.
    pub fn accept(content: impl Serialize) -> Self {
        let content = serde_json::to_value(content).map(Some);
        Self {
            action: McpServerElicitationAction::Accept,
            content: content.map_err(HandlerError::from),
            meta: None,
        }
    }

    /// Says that the user has opened the URL, where that was asked for.
    pub fn accept_url() -> Self {
        Self::without_content(McpServerElicitationAction::Accept)
    }

    /// Says no.
    pub fn decline() -> Self {
        Self::without_content(McpServerElicitationAction::Decline)
    }

    /// Says that the user has gone away without an answer.
    pub fn cancel() -> Self {
        Self::without_content(McpServerElicitationAction::Cancel)
    }

    /// Adds `_meta`, for what the request's `_meta` offers, such as
    /// `{"persist": "session"}`.
    pub fn meta(mut self, meta: Value) -> Self {
        self.meta = Some(meta);
        self
    }

    fn without_content(action: McpServerElicitationAction) -> Self {
        Self {
            action,
            content: Ok(None),
            meta: None,
        }
    }

    pub(super) fn checked(
        self,
        request: &McpServerElicitationRequestParams,
    ) -> Result<McpServerElicitationRequestResponse, HandlerError> {
        let content = self.content?;
        if self.action == McpServerElicitationAction::Accept {
            check_content(request, content.as_ref())?;
        }
        let mut response = McpServerElicitationRequestResponse::new(self.action);
        response.content = content;
        response.meta = self.meta;
        Ok(response)
    }
}

/// The action; the content may be secret.
impl fmt::Debug for ElicitationAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ElicitationAnswer")
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

fn check_content(
    request: &McpServerElicitationRequestParams,
    content: Option<&Value>,
) -> Result<(), HandlerError> {
    use McpServerElicitationRequestParams as Request;

    let schema = match request {
        Request::Form(form) => serde_json::to_value(&form.requested_schema)?,
        Request::OpenaiForm(form) => form.requested_schema.clone(),
        Request::OpenaiFormExtension(form) => form.requested_schema.clone(),
        Request::Url(_) => {
            return match content {
                None => Ok(()),
                Some(_) => Err(HandlerError::new("a URL is accepted without content")),
            };
        }
        // The proof is opaque.
        Request::OpenaiUserVerification(_) => return Ok(()),
        _ => {
            return Err(HandlerError::new(
                "an elicitation of a kind that this version does not know cannot be accepted",
            ));
        }
    };
    let Some(Value::Object(content)) = content else {
        return Err(HandlerError::new(
            "a form is accepted with an object as its content",
        ));
    };
    check_object(&schema, content)
}

/// Checks the members of an object by their schemas, as far as MCP allows these
/// to go: one level of strings, numbers, booleans and choices.
fn check_object(schema: &Value, content: &Map<String, Value>) -> Result<(), HandlerError> {
    let no_properties = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&no_properties);
    if let Some(extra) = content.keys().find(|key| !properties.contains_key(*key)) {
        return Err(wrong(extra, "was not asked for"));
    }
    let required = schema["required"].as_array().into_iter().flatten();
    for key in required.filter_map(Value::as_str) {
        if !content.contains_key(key) {
            return Err(wrong(key, "is required"));
        }
    }
    for (key, value) in content {
        check_value(key, &properties[key], value)?;
    }
    Ok(())
}

fn check_value(key: &str, schema: &Value, value: &Value) -> Result<(), HandlerError> {
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.as_f64().is_some_and(|it| it.fract() == 0.0),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        _ => true,
    };
    if !fits {
        return Err(wrong(key, &format!("is not of type {}", schema["type"])));
    }
    if let Some(choices) = choices(schema)
        && !choices.contains(&value)
    {
        return Err(wrong(key, "is none of the choices"));
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as f64;
        check_range(
            key,
            "too short or too long",
            length,
            &schema["minLength"],
            &schema["maxLength"],
        )?;
    }
    if let Some(number) = value.as_f64() {
        check_range(
            key,
            "out of range",
            number,
            &schema["minimum"],
            &schema["maximum"],
        )?;
    }
    if let Some(items) = value.as_array() {
        let count = items.len() as f64;
        check_range(
            key,
            "too few or too many",
            count,
            &schema["minItems"],
            &schema["maxItems"],
        )?;
        for item in items {
            check_value(key, &schema["items"], item)?;
        }
    }
    Ok(())
}

/// The values of an `enum`, or of the `const`s of a titled one.
fn choices(schema: &Value) -> Option<Vec<&Value>> {
    if let Some(values) = schema["enum"].as_array() {
        return Some(values.iter().collect());
    }
    let titled = schema["oneOf"].as_array().or(schema["anyOf"].as_array())?;
    titled.iter().map(|option| option.get("const")).collect()
}

fn check_range(
    key: &str,
    what: &str,
    value: f64,
    min: &Value,
    max: &Value,
) -> Result<(), HandlerError> {
    let too_small = min.as_f64().is_some_and(|min| value < min);
    let too_large = max.as_f64().is_some_and(|max| value > max);
    match too_small || too_large {
        true => Err(wrong(key, &format!("is {what}"))),
        false => Ok(()),
    }
}

fn wrong(key: &str, what: &str) -> HandlerError {
    HandlerError::new(format!("the answer's member {key:?} {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(content: Value, reason: Option<&str>) {
        let request: McpServerElicitationRequestParams = serde_json::from_value(json!({
            "threadId": "t", "serverName": "s", "mode": "form", "message": "?",
            "requestedSchema": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "minLength": 2, "maxLength": 5},
                "age": {"type": "integer", "minimum": 18},
                "yes": {"type": "boolean"},
                "color": {"type": "string", "enum": ["red", "blue"]},
                "size": {"type": "string", "oneOf": [{"const": "L", "title": "Large"}]},
                "tags": {"type": "array", "maxItems": 1, "items": {"type": "string", "enum": ["a"]}},
            }},
        }))
        .unwrap();
        let checked = ElicitationAnswer::accept(content).checked(&request);
        match (checked, reason) {
            (Ok(_), None) => {}
            (Err(error), Some(reason)) => assert!(error.message().contains(reason), "{error}"),
            (checked, _) => panic!("{checked:?}, expected {reason:?}"),
        }
    }

    #[test]
    fn content_is_checked_against_the_requested_schema() {
        check(json!({"name": "Ada"}), None);
        check(
            json!({"name": "Ada", "age": 36, "yes": true, "color": "red", "size": "L", "tags": ["a"]}),
            None,
        );
        check(json!({}), Some("\"name\" is required"));
        check(json!({"name": 7}), Some("not of type \"string\""));
        check(json!({"name": "A"}), Some("too short"));
        check(json!({"name": "Ada", "age": 17}), Some("out of range"));
        check(json!({"name": "Ada", "age": 18.5}), Some("not of type"));
        check(
            json!({"name": "Ada", "color": "green"}),
            Some("none of the choices"),
        );
        check(
            json!({"name": "Ada", "size": "S"}),
            Some("none of the choices"),
        );
        check(
            json!({"name": "Ada", "tags": ["b"]}),
            Some("none of the choices"),
        );
        check(json!({"name": "Ada", "tags": ["a", "a"]}), Some("too many"));
        check(json!({"name": "Ada", "shoe": 1}), Some("not asked for"));
        check(json!("Ada"), Some("an object"));
    }

    #[test]
    fn a_url_is_accepted_without_content() {
        let request: McpServerElicitationRequestParams = serde_json::from_value(json!({
            "threadId": "t", "serverName": "s", "mode": "url", "message": "?",
            "url": "https://example.com", "elicitationId": "e",
        }))
        .unwrap();
        assert!(ElicitationAnswer::accept_url().checked(&request).is_ok());
        assert!(
            ElicitationAnswer::accept(json!({}))
                .checked(&request)
                .is_err()
        );
        let unknown = McpServerElicitationRequestParams::Unrecognized(json!({}));
        assert!(
            ElicitationAnswer::accept(json!({}))
                .checked(&unknown)
                .is_err()
        );
        assert!(ElicitationAnswer::decline().checked(&unknown).is_ok());
    }
}
