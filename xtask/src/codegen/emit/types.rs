//! The items of one type: its definition, its table, its constructor and setters.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal as Lit, TokenStream};
use quote::{ToTokens, format_ident, quote};
use serde_json::Value;
use syn::ext::IdentExt;

use super::docs::Doc;
use super::ident;
use crate::codegen::docs::code;
use crate::codegen::model::{
    Field, JsonType, Keyed, Kind, Literal, Model, Shape, StringEnum, Struct, Tagged, Ty, Type,
    TypeName, Untagged,
};
use crate::codegen::numbered;

/// The definition of a type, and all that belongs to it.
pub(super) fn items(model: &Model, name: &TypeName, ty: &Type, about: &str) -> TokenStream {
    let doc = Doc::marked(ty.doc.as_deref(), about, ty.experimental)
        .and(ty.doc.is_some().then_some(about))
        .experimental(ty.experimental);
    let items = match &ty.shape {
        Shape::Struct(it) => record(model, name, it),
        Shape::StringEnum(it) => string_enum(name, it),
        Shape::Tagged(it) => tagged(model, name, it),
        Shape::Keyed(it) => keyed(name, it),
        Shape::Untagged(it) => untagged(name, it),
        Shape::StringNewtype => quote! {
            #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct #name(pub String);
            string_newtype! { #name }
        },
    };
    quote!(#doc #items)
}

impl ToTokens for Ty {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::String => quote!(String),
            Self::Bool => quote!(bool),
            Self::Float => quote!(f64),
            Self::Value => quote!(Value),
            Self::Object => quote!(JsonObject),
            Self::Secret => quote!(SecretString),
            Self::Int(name) | Self::Wire(name) => ident(name).into_token_stream(),
            Self::Named(name) => name.into_token_stream(),
            Self::List(inner) => quote!(Vec<#inner>),
            Self::Map(inner) => quote!(BTreeMap<String, #inner>),
            Self::Nullable(inner) => quote!(Option<#inner>),
            Self::Boxed(inner) => quote!(Box<#inner>),
        });
    }
}

/// A string as the variant that it is.
impl Literal {
    fn doc(&self) -> Doc {
        Doc::wire(self.doc.as_deref(), &self.wire, &self.name, false)
    }

    /// `Name "wire"` in a table.
    fn row(&self) -> TokenStream {
        let (name, wire) = (&self.name, &self.wire);
        quote!(#name #wire)
    }
}

impl Field {
    fn rust(&self) -> TokenStream {
        let ty = &self.ty;
        match self.kind {
            Kind::Required | Kind::Default(_) => quote!(#ty),
            Kind::Nullable | Kind::Optional => quote!(Option<#ty>),
            Kind::ThreeState => quote!(Option<Option<#ty>>),
        }
    }

    fn definition(&self) -> TokenStream {
        let three = (self.kind == Kind::ThreeState)
            .then_some("Absent (`None`), null (`Some(None)`) and a value are three things.");
        let absent = self
            .absent_means
            .as_ref()
            .map(|value| format!("Absent means {}.", code(&value.to_string())));
        let older = self.absent_before.as_ref().map(|older| {
            let (version, value) = (&older.version, code(&older.value.to_string()));
            format!("Runtimes before {version} do not send it, which means {value}.")
        });
        let doc = Doc::wire(
            self.doc.as_deref(),
            &self.wire,
            &self.name,
            self.experimental,
        )
        .experimental(self.experimental)
        .and(three)
        .and(absent.as_deref())
        .and(older.as_deref());
        let (name, ty) = (&self.name, self.rust());
        quote!(#doc pub #name: #ty)
    }
}

/// The text of an identifier, raw or not.
fn plain(name: &Ident) -> String {
    name.unraw().to_string()
}

fn index(index: usize) -> Lit {
    Lit::usize_unsuffixed(index)
}

fn record(model: &Model, name: &TypeName, record: &Struct) -> TokenStream {
    // What the schema leaves open may hold anything.
    let outlined = record.open || record.fields.iter().any(|field| field.outlined);
    let debug = (!outlined).then(|| quote!(Debug,));
    let fields = record.fields.iter().map(Field::definition);
    let rest = record.open.then(|| {
        quote! {
            /// Members that the schema does not describe.
            pub rest: JsonObject,
        }
    });
    let outline = outlined.then(|| outline(name, record));
    let table = table(model, name, record);
    let constructor = constructor(model, name, record);
    quote! {
        #[derive(Clone, #debug PartialEq)]
        #[non_exhaustive]
        pub struct #name { #(#fields,)* #rest }
        #outline
        #table
        #constructor
    }
}

/// `Debug`, where deriving it would tell too much.
fn outline(name: &TypeName, record: &Struct) -> TokenStream {
    let fields = record.fields.iter().map(|field| {
        let how = ident(if field.outlined { "names" } else { "shown" });
        let (name, plain) = (&field.name, plain(&field.name));
        quote!(#name #plain #how)
    });
    let rest = record.open.then(|| quote!(rest "rest" names,));
    quote!(outline! { #name { #(#fields,)* #rest } })
}

fn table(model: &Model, name: &TypeName, record: &Struct) -> TokenStream {
    if record.absent {
        return quote!(no_params! { #name });
    }
    let fields = record.fields.iter().enumerate().map(|(at, field)| {
        let (at, name, wire) = (index(at), &field.name, &field.wire);
        let kind = match &field.kind {
            Kind::Required => match &field.absent_before {
                Some(older) => {
                    let value = default(model, &field.ty, &older.value);
                    quote!(required_or(#value))
                }
                None => quote!(required),
            },
            Kind::Nullable => quote!(nullable),
            Kind::Optional => quote!(optional),
            Kind::ThreeState => quote!(three_state),
            Kind::Default(value) => {
                let value = default(model, &field.ty, value);
                quote!(default(#value))
            }
        };
        quote!(#at #name #wire #kind)
    });
    let keeps = record.open.then(|| quote!(keeps rest));
    let aliases: Vec<_> = (record.fields.iter().enumerate())
        .filter_map(|(of, field)| Some((index(of), &field.name, field.alias.as_ref()?)))
        .zip(record.fields.len()..)
        .map(|((of, name, alias), at)| {
            let at = index(at);
            quote!(#at #alias is #of #name)
        })
        .collect();
    let also = (!aliases.is_empty()).then(|| quote!(also { #(#aliases,)* }));
    quote!(record! { #name { #(#fields,)* } #keeps #also })
}

fn default(model: &Model, ty: &Ty, value: &Value) -> TokenStream {
    match (ty, value) {
        (Ty::Bool, Value::Bool(it)) => quote!(#it),
        (Ty::Int(_), Value::Number(it)) => literal(&it.to_string()),
        (Ty::Float, Value::Number(it)) => literal(&format!("{it}f64")),
        (Ty::String, Value::String(it)) => quote!(#it.to_owned()),
        (Ty::List(_), Value::Array(it)) if it.is_empty() => quote!(Vec::new()),
        (Ty::List(inner), Value::Array(it)) => {
            let values = it.iter().map(|value| default(model, inner, value));
            quote!(vec![#(#values),*])
        }
        (Ty::Map(_), Value::Object(it)) if it.is_empty() => quote!(BTreeMap::new()),
        (Ty::Object, Value::Object(it)) if it.is_empty() => quote!(JsonObject::new()),
        (Ty::Named(name), Value::String(text)) => {
            let literals = match model.types.get(name).map(|ty| &ty.shape) {
                Some(Shape::StringEnum(it)) => it.values.as_slice(),
                Some(Shape::Keyed(it)) => it.units.as_slice(),
                _ => &[],
            };
            match literals
                .iter()
                .find(|literal| literal.wire == *text)
                .map(|it| &it.name)
            {
                Some(variant) => quote!(#name::#variant),
                None => quote!(#name::from(#text)),
            }
        }
        // Anything else would have been refused by the check of defaults.
        _ => unreachable!("a default {value} for {ty:?}"),
    }
}

fn literal(text: &str) -> TokenStream {
    text.parse().expect("a number is a token")
}

/// How a value of a type is taken as an argument, and turned into it.
fn argument(model: &Model, ty: &Ty, name: &Ident) -> (TokenStream, Option<TokenStream>) {
    if let Ty::Boxed(inner) = ty {
        let (ty, value) = argument(model, inner, name);
        let value = value.unwrap_or_else(|| quote!(#name));
        return (ty, Some(quote!(Box::new(#value))));
    }
    let converts = match ty {
        Ty::String | Ty::Secret | Ty::Wire(_) | Ty::List(_) | Ty::Value => true,
        Ty::Named(named) => match model.types.get(named).map(|ty| &ty.shape) {
            Some(Shape::StringEnum(it)) => !it.closed,
            Some(Shape::StringNewtype) => true,
            _ => false,
        },
        _ => false,
    };
    if converts {
        (quote!(impl Into<#ty>), Some(quote!(#name.into())))
    } else {
        (quote!(#ty), None)
    }
}

fn constructor(model: &Model, name: &TypeName, record: &Struct) -> TokenStream {
    let (mut arguments, mut members) = (Vec::new(), Vec::new());
    for field in &record.fields {
        let name = &field.name;
        let (ty, value) = argument(model, &field.ty, name);
        match &field.kind {
            Kind::Required => {
                arguments.push(quote!(#name: #ty));
                members.push(value.map_or(quote!(#name), |value| quote!(#name: #value)));
            }
            Kind::Nullable => {
                let ty = field.rust();
                arguments.push(quote!(#name: #ty));
                members.push(quote!(#name));
            }
            Kind::Optional | Kind::ThreeState => members.push(quote!(#name: None)),
            Kind::Default(value) => {
                let value = default(model, &field.ty, value);
                members.push(quote!(#name: #value));
            }
        }
    }
    if record.open {
        members.push(quote!(rest: JsonObject::new()));
    }
    let doc = Doc::new(
        None,
        if arguments.is_empty() {
            "With nothing set."
        } else {
            "With what is required."
        },
    );
    let many = (arguments.len() > 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let settable =
        |field: &&Field| record.setters && !matches!(field.kind, Kind::Required | Kind::Nullable);
    let settable = record.fields.iter().filter(settable);
    let names = setter_names(settable.clone());
    let setters = settable
        .zip(&names)
        .map(|(field, name)| setter(model, field, name));
    let default = arguments.is_empty().then(|| {
        quote! {
            impl Default for #name {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    });
    quote! {
        impl #name {
            #doc
            #many
            pub fn new(#(#arguments),*) -> Self {
                Self { #(#members),* }
            }
            #(#setters)*
        }
        #default
    }
}

/// A name for each setter: its field's, unless the constructor has it or another field's null.
fn setter_names<'a>(fields: impl Iterator<Item = &'a Field> + Clone) -> Vec<Ident> {
    let is_cleared = |field: &&Field| field.kind == Kind::ThreeState;
    let clears = fields.clone().filter(is_cleared).map(clear);
    let mut taken: BTreeSet<Ident> = clears.chain([format_ident!("new")]).collect();
    let all: BTreeSet<Ident> = fields.clone().map(|field| field.name.clone()).collect();
    fields
        .map(|field| {
            if taken.insert(field.name.clone()) {
                return field.name.clone();
            }
            let name = format!("set_{}", plain(&field.name));
            let is_free = |name: &str| !all.iter().chain(&taken).any(|it| it == name);
            let name = if is_free(&name) {
                name
            } else {
                numbered(&name, is_free)
            };
            let name = format_ident!("{name}");
            taken.insert(name.clone());
            name
        })
        .collect()
}

/// The function that sends null.
fn clear(field: &Field) -> Ident {
    format_ident!("clear_{}", plain(&field.name))
}

fn setter(model: &Model, field: &Field, setter: &Ident) -> TokenStream {
    let (name, plain) = (&field.name, plain(&field.name));
    let (ty, value) = argument(model, &field.ty, name);
    let value = value.unwrap_or_else(|| quote!(#name));
    let value = match field.kind {
        Kind::Default(_) | Kind::Required | Kind::Nullable => value,
        Kind::Optional => quote!(Some(#value)),
        Kind::ThreeState => quote!(Some(Some(#value))),
    };
    let doc = Doc::new(None, &format!("Sets [`{plain}`](#structfield.{plain})."));
    let clear = (field.kind == Kind::ThreeState).then(|| {
        let doc = Doc::new(
            None,
            &format!("Sends null for [`{plain}`](#structfield.{plain})."),
        );
        let clear = clear(field);
        quote! {
            #doc
            #[must_use]
            pub fn #clear(mut self) -> Self {
                self.#name = Some(None);
                self
            }
        }
    });
    quote! {
        #doc
        #[must_use]
        pub fn #setter(mut self, #name: #ty) -> Self {
            self.#name = #value;
            self
        }
        #clear
    }
}

fn string_enum(name: &TypeName, it: &StringEnum) -> TokenStream {
    let (docs, names) = (
        it.values.iter().map(Literal::doc),
        it.values.iter().map(|it| &it.name),
    );
    let rows = it.values.iter().map(Literal::row);
    let open = (!it.closed).then(|| {
        quote! {
            /// A value that this version does not know.
            Unrecognized(String),
        }
    });
    let closed = it.closed.then(|| quote!(closed));
    quote! {
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum #name { #(#docs #names,)* #open }
        string_enum! { #name #closed { #(#rows,)* } }
    }
}

/// What is kept of a form that is not known.
fn unrecognized(doc: &str) -> TokenStream {
    let doc = Doc::new(None, doc);
    quote!(#doc Unrecognized(Value),)
}

const FORM: &str = "A form that this version does not know, as it came.";

fn tagged(model: &Model, name: &TypeName, it: &Tagged) -> TokenStream {
    let variants = it.kinds.iter().map(|kind| {
        let doc = Doc::wire(
            kind.literal.doc.as_deref(),
            &kind.literal.wire,
            &kind.literal.name,
            kind.experimental,
        )
        .experimental(kind.experimental);
        let name = &kind.literal.name;
        let payload = kind.payload.as_ref().map(|payload| {
            if kind.boxed {
                quote!((Box<#payload>))
            } else {
                quote!((#payload))
            }
        });
        quote!(#doc #name #payload)
    });
    let rows = it.kinds.iter().enumerate().map(|(at, kind)| {
        let (at, row) = (index(at), kind.literal.row());
        let payload = kind.payload.as_ref();
        quote!(#at #row #payload)
    });
    let tag = &it.tag;
    let open = (!it.closed).then(|| {
        unrecognized(&format!(
            "An object whose {} this version does not know, as it came.",
            code(tag)
        ))
    });
    let closed = it.closed.then(|| quote!(closed));
    let conversions = it.kinds.iter().filter(|_| !it.closed).filter_map(|kind| {
        let (variant, payload) = (&kind.literal.name, kind.payload.as_ref()?);
        let value = if kind.boxed {
            quote!(Box::new(payload))
        } else {
            quote!(payload)
        };
        Some(quote! {
            impl From<#payload> for #name {
                fn from(payload: #payload) -> Self {
                    Self::#variant(#value)
                }
            }
        })
    });
    let kinds = it.kinds.iter().map(|kind| &kind.literal.name);
    let id = (!it.closed && has_id(model, it)).then(|| {
        quote! {
            impl #name {
                /// The `id` of whichever kind it is.
                pub fn id(&self) -> Option<&str> {
                    match self {
                        #(Self::#kinds(it) => Some(&it.id),)*
                        Self::Unrecognized(object) => object.get("id").and_then(Value::as_str),
                    }
                }
            }
        }
    });
    // The table writes it otherwise: what is not known may be a secret.
    let debug = it.closed.then(|| quote!(Debug,));
    quote! {
        #[derive(Clone, #debug PartialEq)]
        #[non_exhaustive]
        pub enum #name { #(#variants,)* #open }
        tagged! { #name #closed #tag { #(#rows,)* } }
        #(#conversions)*
        #id
    }
}

/// Whether every kind has a required `id`.
fn has_id(model: &Model, it: &Tagged) -> bool {
    it.kinds.iter().all(|kind| {
        let payload = kind
            .payload
            .as_ref()
            .and_then(|payload| model.types.get(payload));
        matches!(payload.map(|ty| &ty.shape), Some(Shape::Struct(record))
        if record.fields.iter().any(|field| {
            field.wire == "id" && field.kind == Kind::Required && field.ty.is_text()
        }))
    })
}

fn keyed(name: &TypeName, it: &Keyed) -> TokenStream {
    let (docs, units) = (
        it.units.iter().map(Literal::doc),
        it.units.iter().map(|it| &it.name),
    );
    let keys = it.keys.iter().map(|(literal, ty)| {
        let (doc, name) = (literal.doc(), &literal.name);
        quote!(#doc #name(#ty))
    });
    let open = unrecognized(FORM);
    let unit_rows = it.units.iter().map(Literal::row);
    let key_rows = it.keys.iter().enumerate().map(|(at, (literal, _))| {
        let (at, row) = (index(at), literal.row());
        quote!(#at #row)
    });
    quote! {
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #name { #(#docs #units,)* #(#keys,)* #open }
        keyed! { #name { #(#unit_rows,)* } { #(#key_rows,)* } }
    }
}

fn untagged(name: &TypeName, it: &Untagged) -> TokenStream {
    let variants = it.members.iter().map(|member| {
        let doc = Doc::new(
            member.doc.as_deref(),
            match member.json {
                JsonType::String => "A string.",
                JsonType::Number => "A number.",
                JsonType::Boolean => "A boolean.",
                JsonType::Array => "A list.",
                JsonType::Object => "An object.",
            },
        );
        let (name, ty) = (&member.name, &member.ty);
        quote!(#doc #name(#ty))
    });
    let open = (!it.closed).then(|| unrecognized(FORM));
    let closed = it.closed.then(|| quote!(closed));
    let rows = it.members.iter().map(|member| {
        let (name, json) = (&member.name, ident(&format!("{:?}", member.json)));
        quote!(#name #json)
    });
    let conversions = it.members.iter().map(|member| {
        let single = it
            .members
            .iter()
            .filter(|other| other.ty == member.ty)
            .count()
            == 1;
        let (variant, ty) = (&member.name, &member.ty);
        let of_text = (single && member.ty == Ty::String).then(|| {
            quote! {
                impl From<&str> for #name {
                    fn from(text: &str) -> Self {
                        Self::#variant(text.to_owned())
                    }
                }
            }
        });
        let of_value = (single && matches!(member.ty, Ty::String | Ty::List(_))).then(|| {
            quote! {
                impl From<#ty> for #name {
                    fn from(value: #ty) -> Self {
                        Self::#variant(value)
                    }
                }
            }
        });
        quote!(#of_text #of_value)
    });
    // The table writes it otherwise: what is not known may be a secret.
    let debug = it.closed.then(|| quote!(Debug,));
    quote! {
        #[derive(Clone, #debug PartialEq)]
        #[non_exhaustive]
        pub enum #name { #(#variants,)* #open }
        untagged! { #name #closed { #(#rows,)* } }
        #(#conversions)*
    }
}
