//! Names that a person would choose, in Rust's case conventions.

use proc_macro2::Ident;
use quote::format_ident;

/// Words that lose their shape when they are split at every capital.
const WHOLE: &[(&str, &str)] = &[
    ("OAuth", "Oauth"),
    ("JSONRPC", "Jsonrpc"),
    ("MacOS", "Macos"),
    ("GitHub", "Github"),
];

/// `turn/start`, `danger-full-access`, `mcpTool`, `ON_USE` in `PascalCase`.
pub(crate) fn pascal(wire: &str) -> String {
    words(wire)
        .iter()
        .map(|word| {
            let mut chars = word.chars();
            match chars.next() {
                Some(first) => first.to_uppercase().chain(chars).collect::<String>(),
                None => String::new(),
            }
        })
        .collect()
}

/// The same in `snake_case`, not yet safe from keywords.
pub(crate) fn snake(wire: &str) -> String {
    words(wire).join("_")
}

/// The same in `snake_case` as the name of a field or function; a keyword becomes a raw
/// identifier, or gets an underscore where it cannot be one. None if nothing usable is left.
pub(crate) fn field(wire: &str) -> Option<Ident> {
    let name = snake(wire);
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return None;
    }
    // `gen` became a keyword with the edition 2024, which syn does not ask for.
    let is_identifier = |text: &str| text != "gen" && syn::parse_str::<Ident>(text).is_ok();
    let raw = format!("r#{name}");
    Some(if is_identifier(&name) {
        format_ident!("{name}")
    } else if !PATHS.contains(&name.as_str()) && is_identifier(&raw) {
        format_ident!("{raw}")
    } else {
        format_ident!("{name}_")
    })
}

/// Keywords that cannot be raw identifiers.
const PATHS: &[&str] = &["crate", "self", "super"];

/// What is usable of a name that is not, for a look at another runtime's schema.
pub(crate) fn usable(wire: &str, is_field: bool) -> String {
    let name = format!("n {wire}");
    if is_field {
        snake(&name)
    } else {
        pascal(&name)
    }
}

/// The name of what a part of a union carries: `Message` of `Item` gives
/// `MessageItem`, `ExternalSandbox` of `SandboxPolicy` gives `ExternalSandboxPolicy`.
pub(crate) fn joined(part: &str, whole: &str) -> String {
    let (own, shared) = (words(part), words(whole));
    let doubled = (1..=own.len().min(shared.len()))
        .rev()
        .find(|count| own.len() > *count && own[own.len() - count..] == shared[..*count])
        .map_or(0, |count| shared[..count].concat().len());
    format!("{part}{}", &whole[doubled..])
}

/// Whether `name` can stand as a type or a variant.
pub(crate) fn is_type_name(name: &str) -> bool {
    name != "Self"
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The type of what a message carries, if it is named after its method.
pub(crate) fn of_message(method: &str, suffix: &str, lenient: bool) -> Option<String> {
    let name = format!("{}{suffix}", pascal(method));
    if is_type_name(&name) && name != suffix {
        Some(name)
    } else {
        lenient.then(|| format!("{}{suffix}", usable(method, false)))
    }
}

/// Whether a type of this name would hide one that the generated code uses.
pub(crate) fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name)
}

/// What stands in every module: the prelude, what derives write, and the names of this crate itself.
const TAKEN: &[&str] = &[
    "AsMut",
    "AsRef",
    "BTreeMap",
    "BlockingCall",
    "BlockingMethods",
    "Box",
    "Call",
    "Clone",
    "Copy",
    "Debug",
    "DecodeError",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Effect",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "ItemId",
    "Iterator",
    "JsonObject",
    "LoginId",
    "MemberSpec",
    "MethodSpec",
    "Methods",
    "None",
    "Notification",
    "NotificationSpec",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Protocol",
    "Result",
    "Role",
    "Scope",
    "SecretString",
    "Send",
    "ServerRequestSpec",
    "Sized",
    "Some",
    "Stability",
    "String",
    "Sync",
    "Tier",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "TurnId",
    "Unpin",
    "UnrecognizedMessage",
    "Value",
    "Vec",
];

/// Lower-case words: split at what is not a letter or digit, and where a capital begins a word.
fn words(wire: &str) -> Vec<String> {
    let mut text = wire.to_owned();
    for (word, whole) in WHOLE {
        text = text.replace(word, whole);
    }
    let mut words = Vec::new();
    for part in text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
    {
        let chars: Vec<char> = part.chars().collect();
        let mut word = String::new();
        for (index, c) in chars.iter().enumerate() {
            let after_lower = index > 0 && !chars[index - 1].is_ascii_uppercase();
            let before_lower = chars
                .get(index + 1)
                .is_some_and(|next| next.is_ascii_lowercase());
            if c.is_ascii_uppercase() && index > 0 && (after_lower || before_lower) {
                words.push(std::mem::take(&mut word));
            }
            word.push(c.to_ascii_lowercase());
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_and_its_whole_do_not_say_a_word_twice() {
        for (part, whole, expected) in [
            ("Message", "ThreadItem", "MessageThreadItem"),
            ("ExternalSandbox", "SandboxPolicy", "ExternalSandboxPolicy"),
            ("WholeItem", "ItemPresentation", "WholeItemPresentation"),
            ("Sandbox", "SandboxPolicy", "SandboxSandboxPolicy"),
            ("ReadOnly", "OnlyPolicy", "ReadOnlyPolicy"),
            ("GatewayOAuth", "OAuthStatus", "GatewayOAuthStatus"),
        ] {
            assert_eq!(joined(part, whole), expected);
        }
    }

    #[test]
    fn names_read_as_a_person_would_write_them() {
        for (wire, expected_pascal, expected_snake) in [
            ("thread/start", "ThreadStart", "thread_start"),
            (
                "danger-full-access",
                "DangerFullAccess",
                "danger_full_access",
            ),
            ("DISABLED_BY_ADMIN", "DisabledByAdmin", "disabled_by_admin"),
            (
                "account/gatewayOAuth/read",
                "AccountGatewayOauthRead",
                "account_gateway_oauth_read",
            ),
            (
                "mcpServer/oauth/login",
                "McpServerOauthLogin",
                "mcp_server_oauth_login",
            ),
            ("HTTPStatus", "HttpStatus", "http_status"),
            ("_meta", "Meta", "meta"),
            ("$schema", "Schema", "schema"),
            ("sha256", "Sha256", "sha256"),
            ("openai/form", "OpenaiForm", "openai_form"),
        ] {
            assert_eq!(pascal(wire), expected_pascal);
            assert_eq!(snake(wire), expected_snake);
        }
        for (wire, expected) in [
            ("type", Some("r#type")),
            ("crate", Some("crate_")),
            ("self", Some("self_")),
            ("gen", Some("r#gen")),
            ("new", Some("new")),
            ("3d", None),
            ("=", None),
            ("größe", Some("gr_e")),
        ] {
            assert_eq!(field(wire).map(|it| it.to_string()).as_deref(), expected);
        }
        assert_eq!(usable("3d", true), "n_3d");
        assert_eq!(usable("=", false), "N");
        assert!(!is_type_name("Self") && !is_type_name("3d") && is_type_name("Idle"));
    }
}
