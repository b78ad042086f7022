//! What is generated, as data: lowering makes it, the passes refine it, emitting prints it.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident};

/// The name of a generated type: an identifier that can be looked up by its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeName(String);

/// Everything that is generated.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) types: BTreeMap<TypeName, Type>,
    pub(crate) requests: Vec<Request>,
    pub(crate) server_requests: Vec<Request>,
    pub(crate) notifications: Vec<Notification>,
    pub(crate) client_notifications: Vec<Notification>,
}

/// A named type.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) doc: Option<String>,
    pub(crate) shape: Shape,
    pub(crate) experimental: bool,
    /// The definition whose inline part it is.
    pub(crate) owner: Option<Owner>,
}

/// Where a type that the schema writes inline stands.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) definition: TypeName,
    pub(crate) part: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Struct(Struct),
    StringEnum(StringEnum),
    Tagged(Tagged),
    Keyed(Keyed),
    Untagged(Untagged),
    StringNewtype,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Struct {
    pub(crate) fields: Vec<Field>,
    /// Keeps members that the schema leaves open.
    pub(crate) open: bool,
    /// Whether the client writes it, and so wants chained setters.
    pub(crate) setters: bool,
    /// The params of a method that has none.
    pub(crate) absent: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) wire: String,
    pub(crate) alias: Option<String>,
    pub(crate) name: Ident,
    pub(crate) kind: Kind,
    pub(crate) ty: Ty,
    pub(crate) doc: Option<String>,
    pub(crate) experimental: bool,
    /// Whether `Debug` may tell no more of it than names.
    pub(crate) outlined: bool,
    /// What an optional field means when it is absent, if the schema says so.
    pub(crate) absent_means: Option<serde_json::Value>,
    /// What a required field means where an older runtime does not send it.
    pub(crate) absent_before: Option<AbsentBefore>,
}

/// A required member that came with a version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AbsentBefore {
    pub(crate) version: String,
    pub(crate) value: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Must be there.
    Required,
    /// Must be there, and may be null.
    Nullable,
    /// May be absent; null means absent.
    Optional,
    /// Absent, null and a value are three states.
    ThreeState,
    /// Absent means this value.
    Default(serde_json::Value),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ty {
    String,
    Bool,
    Int(&'static str),
    Float,
    Value,
    Object,
    Secret,
    /// A type of the wire crate: `ThreadId`, `RequestId`, …
    Wire(&'static str),
    Named(TypeName),
    List(Box<Ty>),
    Map(Box<Ty>),
    /// An element of a list or map that may be null.
    Nullable(Box<Ty>),
    /// What would hold itself by value.
    Boxed(Box<Ty>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct StringEnum {
    pub(crate) values: Vec<Literal>,
    pub(crate) closed: bool,
}

/// A string of the wire and its variant.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    pub(crate) wire: String,
    pub(crate) name: Ident,
    pub(crate) doc: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Tagged {
    pub(crate) tag: String,
    pub(crate) kinds: Vec<TaggedKind>,
    pub(crate) closed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct TaggedKind {
    pub(crate) literal: Literal,
    pub(crate) payload: Option<TypeName>,
    pub(crate) boxed: bool,
    pub(crate) experimental: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Keyed {
    pub(crate) units: Vec<Literal>,
    pub(crate) keys: Vec<(Literal, Ty)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Untagged {
    pub(crate) members: Vec<UntaggedMember>,
    pub(crate) closed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct UntaggedMember {
    pub(crate) name: Ident,
    pub(crate) ty: Ty,
    pub(crate) json: JsonType,
    pub(crate) doc: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum JsonType {
    String,
    Number,
    Boolean,
    Array,
    Object,
}

/// A request of either side.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Of the wrapper that sends it.
    pub(crate) function: Ident,
    /// What stands for it in an enum of all.
    pub(crate) variant: Ident,
    pub(crate) params: TypeName,
    pub(crate) sends_params: bool,
    /// Whether null may be sent for the parameters.
    pub(crate) takes_null: bool,
    pub(crate) response: TypeName,
    pub(crate) experimental: bool,
    pub(crate) doc: Option<String>,
}

/// A notification of either side.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    pub(crate) method: String,
    /// What stands for it in an enum of all.
    pub(crate) variant: Ident,
    pub(crate) params: TypeName,
    pub(crate) sends_params: bool,
    pub(crate) experimental: bool,
    pub(crate) doc: Option<String>,
    pub(crate) boxed: bool,
}

impl TypeName {
    /// The name that `text` is.
    ///
    /// # Panics
    /// If it is no identifier: who names a type has checked that it is one.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let _is_one = format_ident!("{text}");
        Self(text)
    }
}

impl Deref for TypeName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TypeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for TypeName {
    fn eq(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ToTokens for TypeName {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        format_ident!("{}", self.0).to_tokens(tokens);
    }
}

impl Ty {
    /// Whether it derefs to text, as ids do.
    pub(crate) fn is_text(&self) -> bool {
        match self {
            Self::String => true,
            Self::Wire(name) => *name != "RequestId",
            _ => false,
        }
    }

    /// The named types in it.
    pub(crate) fn named(&self) -> Option<&TypeName> {
        match self {
            Self::Named(name) => Some(name),
            Self::List(inner) | Self::Map(inner) | Self::Nullable(inner) | Self::Boxed(inner) => {
                inner.named()
            }
            _ => None,
        }
    }
}

impl Shape {
    /// The types that it mentions.
    pub(crate) fn mentions(&self) -> Vec<&TypeName> {
        self.members().into_iter().map(|(_, ty)| ty).collect()
    }

    /// The types that it mentions, with the member of JSON objects that each is.
    pub(crate) fn members(&self) -> Vec<(Option<&str>, &TypeName)> {
        match self {
            Self::Struct(it) => it
                .fields
                .iter()
                .filter_map(|field| Some((Some(field.wire.as_str()), field.ty.named()?)))
                .collect(),
            Self::Tagged(it) => it
                .kinds
                .iter()
                .filter_map(|kind| Some((None, kind.payload.as_ref()?)))
                .collect(),
            Self::Keyed(it) => it
                .keys
                .iter()
                .filter_map(|(key, ty)| Some((Some(key.wire.as_str()), ty.named()?)))
                .collect(),
            Self::Untagged(it) => it
                .members
                .iter()
                .filter_map(|member| Some((None, member.ty.named()?)))
                .collect(),
            Self::StringEnum(_) | Self::StringNewtype => Vec::new(),
        }
    }
}

impl Model {
    /// The types that can be reached from `roots`, themselves among them.
    pub(crate) fn reachable<'a>(
        &'a self,
        roots: impl IntoIterator<Item = &'a TypeName>,
    ) -> BTreeSet<&'a TypeName> {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<&TypeName> = roots.into_iter().collect();
        while let Some(name) = waiting.pop() {
            if let Some(ty) = self.types.get(name)
                && seen.insert(name)
            {
                waiting.extend(ty.shape.mentions());
            }
        }
        seen
    }
}
