//! The four lists of messages, and the pairing of requests with responses.

use std::collections::BTreeSet;

use anyhow::Result;
use proc_macro2::Ident;
use schemars::schema::SchemaObject;

use super::lower::parts::{Parts, numbered};
use super::model::{Notification, Request, TypeName};
use super::names;
use crate::schema::At;
use crate::schema::messages::{is_left_out, method_of, params_name, params_of, response_by_rule};
use crate::schema::read::{Definitions, branches, doc, is_null, mark, object, union};
use crate::schema::stable::Stable;

const PASS: &str = "methods";

/// What the lists of messages are made from.
pub(crate) struct Listing<'a> {
    pub(crate) definitions: &'a Definitions,
    pub(crate) stable: &'a Stable,
    /// Whether a response that no rule gives may be guessed.
    pub(crate) guess: bool,
    /// Whether a name that does not do gets a number.
    pub(crate) lenient: bool,
    /// What was guessed, and which names were changed.
    pub(crate) report: &'a mut Vec<String>,
}

impl<'a> Listing<'a> {
    /// The requests of a union (`ClientRequest`, `ServerRequest`) with their responses.
    ///
    /// A response is what a fixup says, or what the rule `XParams` -> `XResponse`
    /// gives. For another runtime's schema it may be the unclaimed response
    /// with the most words in common, or any JSON if there is none.
    pub(crate) fn requests(&mut self, union: &str) -> Result<Vec<Request>> {
        let definitions = self.definitions;
        let messages = self.messages(union)?;
        let certain = |message: &SchemaObject| {
            let given = mark(message, "x-response").map(str::to_owned);
            given
                .or_else(|| response_by_rule(message))
                .filter(|response| definitions.contains_key(response))
        };
        let claimed: BTreeSet<String> = messages
            .iter()
            .filter_map(|it| certain(it.schema))
            .collect();
        let unclaimed: Vec<&String> = definitions
            .keys()
            .filter(|name| name.ends_with("Response") && !claimed.contains(*name))
            .collect();
        let functions = self.functions(&messages)?;
        let mut renamed = Vec::new();
        let mut variants = Parts::new(&["Unrecognized"], self.lenient.then_some(&mut renamed));
        let mut absent = BTreeSet::new();
        let mut requests = Vec::new();
        for (Message { schema, method, at }, function) in messages.into_iter().zip(functions) {
            let response = match certain(schema) {
                Some(response) => response,
                None if self.guess => {
                    let response = most_alike(&method, &unclaimed);
                    self.report.push(format!(
                        "`{method}` pairs with no response by rule or fixup; taken: {response}"
                    ));
                    response
                }
                None => {
                    return Err(at.error(format!(
                        "`{method}` pairs with no response by the rule; pair it in a fixup"
                    )));
                }
            };
            let sent = params_of(schema).filter(|params| !is_null(params));
            let params = match sent {
                Some(params) => params_name(params)
                    .ok_or_else(|| at.error(format!("the params of `{method}` are no definition")))?
                    .to_owned(),
                // A method without params is still called by a type: named after its response.
                None => {
                    let stem = response.strip_suffix("Response").unwrap_or(&response);
                    let name = format!("{stem}Params");
                    let is_free =
                        |name: &str| !definitions.contains_key(name) && !absent.contains(name);
                    if is_free(&name) {
                        name
                    } else if self.lenient {
                        numbered(&name, is_free)
                    } else {
                        return Err(at.error(format!(
                            "`{method}` has no params, and {name} is another type"
                        )));
                    }
                }
            };
            if sent.is_none() {
                absent.insert(params.clone());
            }
            let name = params.strip_suffix("Params").unwrap_or(&params);
            let variant = variants.variant(name, Some(name), &at)?;
            requests.push(Request {
                variant,
                experimental: !self.stable.has_method(&method),
                doc: doc(schema),
                function,
                method,
                takes_null: sent.is_some_and(may_be_null),
                params: TypeName::new(params),
                sends_params: sent.is_some(),
                response: TypeName::new(response),
            });
        }
        self.report.extend(renamed);
        requests.sort_by(|a, b| a.method.cmp(&b.method));
        Ok(requests)
    }

    /// The notifications of a union (`ServerNotification`, `ClientNotification`).
    pub(crate) fn notifications(&mut self, union: &str) -> Result<Vec<Notification>> {
        let messages = self.messages(union)?;
        self.functions(&messages)?;
        let mut renamed = Vec::new();
        let mut variants = Parts::new(&["Unrecognized"], self.lenient.then_some(&mut renamed));
        let mut notifications = Vec::new();
        for Message { schema, method, at } in messages {
            let sent = params_of(schema).filter(|params| !is_null(params));
            let params = match sent {
                Some(params) => params_name(params)
                    .ok_or_else(|| at.error(format!("the params of `{method}` are no definition")))?
                    .to_owned(),
                None => {
                    names::of_message(&method, "Notification", self.lenient).ok_or_else(|| {
                        at.error(format!("{method:?} gives no usable name for its type"))
                    })?
                }
            };
            let name = params.strip_suffix("Notification").unwrap_or(&params);
            let variant = variants.variant(name, Some(name), &at)?;
            notifications.push(Notification {
                variant,
                experimental: !self.stable.has_method(&method),
                doc: doc(schema),
                method,
                params: TypeName::new(params),
                sends_params: sent.is_some(),
                boxed: false,
            });
        }
        self.report.extend(renamed);
        notifications.sort_by(|a, b| a.method.cmp(&b.method));
        Ok(notifications)
    }

    /// The messages of a union, each with its place.
    fn messages(&mut self, of: &str) -> Result<Vec<Message<'a>>> {
        let at = At::definition(PASS, of);
        let union_schema = self
            .definitions
            .get(of)
            .ok_or_else(|| at.error("is missing"))?;
        let (keyword, branches) = union(union_schema).ok_or_else(|| at.error("is not a union"))?;
        let mut seen = BTreeSet::new();
        let mut messages = Vec::new();
        for (index, schema) in branches.iter().map(object).enumerate() {
            let at = at.child(keyword).child(index);
            if is_left_out(schema) {
                continue;
            }
            let method = method_of(schema).ok_or_else(|| at.error("has no method"))?;
            if !seen.insert(method) {
                let why = format!("a second method called `{method}`");
                Parts::new(&[], self.lenient.then_some(&mut *self.report)).left_out(&why, &at)?;
                continue;
            }
            let members = [union_schema, schema]
                .into_iter()
                .filter_map(|it| it.object.as_ref());
            let mut members = members.flat_map(|it| it.properties.keys());
            if let Some(member) = members.find(|member| !ENVELOPE.contains(&member.as_str())) {
                return Err(at.child("properties").child(member).error(format!(
                    "the message `{method}` has a member besides method and params"
                )));
            }
            let method = method.to_owned();
            messages.push(Message { schema, method, at });
        }
        Ok(messages)
    }

    /// The function of each message, of which no two have one name.
    fn functions(&mut self, messages: &[Message<'_>]) -> Result<Vec<Ident>> {
        // What calls them is called `call` itself.
        let mut parts = Parts::new(&["call"], self.lenient.then_some(&mut *self.report));
        messages
            .iter()
            .map(|it| parts.field(&it.method, &it.at))
            .collect()
    }
}

/// The response that shares most words with a method; any JSON if none shares half of its own.
fn most_alike(method: &str, candidates: &[&String]) -> String {
    let words = |text: &str| -> BTreeSet<String> {
        let snake = names::snake(text);
        snake
            .split('_')
            .map(|word| word.trim_end_matches('s').to_owned())
            .collect()
    };
    let method = words(method);
    let alike = |candidate: &str| {
        let own = words(candidate.trim_end_matches("Response"));
        (own.intersection(&method).count() * 100) / own.len().max(1)
    };
    let best = candidates.iter().max_by_key(|candidate| alike(candidate));
    match best {
        Some(best) if alike(best) >= 50 => (*best).clone(),
        _ => ANY.to_owned(),
    }
}

/// Whether parameters may be null instead of their definition.
fn may_be_null(params: &SchemaObject) -> bool {
    branches(params).is_some_and(|branches| branches.iter().map(object).any(is_null))
}

/// What stands for a response that the schema does not describe.
pub(crate) const ANY: &str = "JsonObject";

/// What a message has besides its method and parameters: nothing that parameters would be about.
const ENVELOPE: &[&str] = &["emittedAtMs", "id", "method", "params"];

/// A message, with its place.
struct Message<'a> {
    schema: &'a SchemaObject,
    method: String,
    at: At,
}
