//! The four lists of messages, and the pairing of requests with responses.

use anyhow::Result;
use serde_json::Value;

use super::model::{Notification, Request};
use crate::schema::fixups::response_by_rule;
use crate::schema::stable::Stable;
use crate::schema::{At, Definitions, branches, literal, reference};

const PASS: &str = "methods";

/// The requests of a union (`ClientRequest`, `ServerRequest`).
pub(crate) fn requests(
    definitions: &Definitions,
    union: &str,
    stable: &Stable,
) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    for (branch, method, at) in messages(definitions, union)? {
        let response = match branch.get("x-response").and_then(Value::as_str) {
            Some(given) => given.to_owned(),
            None => response_by_rule(branch).ok_or_else(|| {
                at.error(format!(
                    "`{method}` has no response by the rule; pair it in a fixup"
                ))
            })?,
        };
        if !definitions.contains_key(&response) {
            return Err(at.error(format!(
                "`{method}` would be answered by {response}, which is no definition"
            )));
        }
        let params = branch["properties"].get("params");
        let (params, sends_params) = match params {
            Some(params) if params.get("type").is_none_or(|it| it != "null") => {
                let name = reference(params)
                    .or_else(|| {
                        branches(params).and_then(|branches| branches.iter().find_map(reference))
                    })
                    .ok_or_else(|| {
                        at.error(format!("the params of `{method}` are no definition"))
                    })?;
                (name.to_owned(), true)
            }
            // A method without params is still called by a type: named after its response.
            _ => {
                let stem = response.strip_suffix("Response").unwrap_or(&response);
                let name = format!("{stem}Params");
                if definitions.contains_key(&name) {
                    return Err(at.error(format!(
                        "`{method}` has no params, and {name} is another definition"
                    )));
                }
                (name, false)
            }
        };
        requests.push(Request {
            experimental: !stable.has_method(&method),
            doc: branch
                .get("description")
                .and_then(Value::as_str)
                .map(str::to_owned),
            method,
            params,
            sends_params,
            response,
        });
    }
    requests.sort_by(|a, b| a.method.cmp(&b.method));
    Ok(requests)
}

/// The notifications of a union (`ServerNotification`, `ClientNotification`).
pub(crate) fn notifications(
    definitions: &Definitions,
    union: &str,
    stable: &Stable,
) -> Result<Vec<Notification>> {
    let mut notifications = Vec::new();
    for (branch, method, at) in messages(definitions, union)? {
        let params = match branch["properties"].get("params") {
            Some(params) => reference(params)
                .ok_or_else(|| at.error(format!("the params of `{method}` are no definition")))?
                .to_owned(),
            None => format!("{}Notification", super::names::pascal(&method)),
        };
        notifications.push(Notification {
            experimental: !stable.has_method(&method),
            doc: branch
                .get("description")
                .and_then(Value::as_str)
                .map(str::to_owned),
            method,
            params,
            boxed: false,
        });
    }
    notifications.sort_by(|a, b| a.method.cmp(&b.method));
    Ok(notifications)
}

fn messages<'a>(definitions: &'a Definitions, union: &str) -> Result<Vec<(&'a Value, String, At)>> {
    let at = At::definition(PASS, union);
    let schema = definitions
        .get(union)
        .ok_or_else(|| at.error("is missing"))?;
    let branches = branches(schema).ok_or_else(|| at.error("is not a union"))?;
    branches
        .iter()
        .enumerate()
        .map(|(index, branch)| {
            let at = at.child("oneOf").child(index);
            let method = literal(&branch["properties"]["method"])
                .ok_or_else(|| at.error("has no method"))?
                .to_owned();
            Ok((branch, method, at))
        })
        .collect()
}
