//! Names that a person would choose, in Rust's case conventions.

/// Words that lose their shape when they are split at every capital.
const WHOLE: &[(&str, &str)] = &[
    ("OAuth", "Oauth"),
    ("JSONRPC", "Jsonrpc"),
    ("MacOS", "Macos"),
    ("GitHub", "Github"),
];

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "static", "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe",
    "unsized", "use", "virtual", "where", "while", "yield",
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

/// The same in `snake_case`, as an identifier.
pub(crate) fn field(wire: &str) -> String {
    let name = snake(wire);
    match name.as_str() {
        "self" => "self_".to_owned(),
        keyword if KEYWORDS.contains(&keyword) => format!("r#{keyword}"),
        _ => name,
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

/// Whether `name`, as [`field`] gives it, can stand as a field or a function.
pub(crate) fn is_field_name(name: &str) -> bool {
    let plain = name.trim_start_matches("r#");
    plain
        .chars()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && plain
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !["crate", "super"].contains(&plain)
}

/// Whether `name` can stand as a type or a variant.
pub(crate) fn is_type_name(name: &str) -> bool {
    name != "Self"
        && name
            .chars()
            .next()
            .is_some_and(|first| first.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

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
        assert_eq!(field("type"), "r#type");
        assert!(!is_type_name("Self") && !is_type_name("3d") && is_type_name("Idle"));
    }
}
