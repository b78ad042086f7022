//! Every place of the schema where a value stands, and a message around it.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use serde_json::{Value, json};

use crate::kind::{Decoded, Kind};
use crate::schema::{Payload, Schema, branches, is_null, properties};

/// A place where the schema says what may stand.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) schema: Value,
    /// The definition that it is, if it is one as a whole.
    pub(crate) definition: Option<String>,
    step: Rc<Step>,
}

/// How a place is reached.
struct Step {
    way: Way,
    from: Option<Rc<Step>>,
}

enum Way {
    Payload { kind: Kind, method: String },
    Member { object: Value, name: String },
    Element,
    MapValue,
    Branch { union: Value },
}

/// A value put into a message.
pub(crate) struct Placed {
    pub(crate) kind: Kind,
    pub(crate) method: String,
    pub(crate) payload: Value,
    /// Where in the payload the value stands.
    pub(crate) pointer: String,
}

impl Site {
    /// Every place that a message reaches; each definition once, by its shortest way.
    pub(crate) fn all(schema: &Schema) -> Vec<Self> {
        let roots = schema.payloads().into_iter().map(Self::root);
        let mut waiting: VecDeque<Self> = roots.collect();
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        while let Some(site) = waiting.pop_front() {
            if let Some((name, target)) = schema.target(&site.schema) {
                if seen.insert(name.to_owned()) {
                    waiting.push_back(Self {
                        schema: target.clone(),
                        definition: Some(name.to_owned()),
                        step: site.step,
                    });
                }
                continue;
            }
            waiting.extend(site.within());
            all.push(site);
        }
        all
    }

    fn root(payload: Payload) -> Self {
        let Payload {
            kind,
            method,
            schema,
        } = payload;
        Self {
            schema,
            definition: None,
            step: Rc::new(Step {
                way: Way::Payload { kind, method },
                from: None,
            }),
        }
    }

    fn within(&self) -> Vec<Self> {
        let mut within = Vec::new();
        let mut add = |schema: &Value, way| {
            within.push(Self {
                schema: schema.clone(),
                definition: None,
                step: Rc::new(Step {
                    way,
                    from: Some(self.step.clone()),
                }),
            });
        };
        for (name, property) in properties(&self.schema) {
            let (object, name) = (self.schema.clone(), name.clone());
            add(property, Way::Member { object, name });
        }
        for branch in branches(&self.schema).into_iter().flatten() {
            if !is_null(branch) {
                let union = self.schema.clone();
                add(branch, Way::Branch { union });
            }
        }
        if let Some(items) = self.schema.get("items") {
            add(items, Way::Element);
        }
        if let Some(values) = self.schema.get("additionalProperties")
            && values.is_object()
        {
            add(values, Way::MapValue);
        }
        within
    }

    /// The smallest message that has `value` here.
    pub(crate) fn place(&self, schema: &Schema, mut value: Value) -> Placed {
        let mut pointer = String::new();
        let mut step = &self.step;
        loop {
            value = match &step.way {
                Way::Payload { kind, method } => {
                    return Placed {
                        kind: *kind,
                        method: method.clone(),
                        payload: value,
                        pointer,
                    };
                }
                Way::Member { object, name } => {
                    pointer = format!("/{name}{pointer}");
                    // A member beside a union needs a branch around it.
                    let mut owner = schema.minimal(object);
                    owner[name] = value;
                    owner
                }
                Way::Element => {
                    pointer = format!("/0{pointer}");
                    json!([value])
                }
                Way::MapValue => {
                    pointer = format!("/key{pointer}");
                    json!({"key": value})
                }
                Way::Branch { union } => schema.beside(union, value),
            };
            step = step.from.as_ref().expect("every way begins at a payload");
        }
    }

    /// Whether the way here leads through a union that has nothing to tell its branches by.
    pub(crate) fn is_below_untagged(&self) -> bool {
        let mut steps = std::iter::successors(Some(&self.step), |step| step.from.as_ref());
        steps.any(|step| matches!(&step.way, Way::Branch { union } if has_no_tag(union)))
    }
}

/// Whether a union is one of several objects without a tag.
fn has_no_tag(union: &Value) -> bool {
    let objects = branches(union).into_iter().flatten();
    objects.filter(|branch| !is_null(branch)).count() > 1 && tag(union).is_none()
}

/// The member that tells the branches of a union apart: the same name in each, one value each.
pub(crate) fn tag(union: &Value) -> Option<String> {
    let branches = branches(union)?;
    let tags = |branch: &Value| -> Vec<String> {
        let single = |property: &Value| {
            let values = property.get("enum").and_then(Value::as_array);
            values.is_some_and(|values| values.len() == 1)
        };
        let members = properties(branch).filter(|(_, property)| single(property));
        members.map(|(name, _)| name.clone()).collect()
    };
    let first = tags(branches.first()?);
    first
        .into_iter()
        .find(|name| branches.iter().all(|branch| tags(branch).contains(name)))
}

impl Placed {
    pub(crate) fn decode(&self) -> Result<Decoded, String> {
        self.kind.decode(&self.method, &self.payload.to_string())
    }

    /// For messages of failures.
    pub(crate) fn place(&self) -> String {
        format!("{:?} {} at {}", self.kind, self.method, self.pointer)
    }
}
