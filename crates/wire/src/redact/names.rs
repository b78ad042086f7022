//! Which names say that what they name is a secret.

/// How sure a name is of its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// None at all.
    None,
    /// Its members are secrets, whatever they are called: `env`, `headers`.
    Container,
    /// A secret, or a word of a language, a parser or a theory: `token`, `auth`.
    Weak,
    /// Secrets, or a count of something: `tokens`.
    Plural,
    /// A secret: `password`, `api_key`.
    Strong,
}

/// Names that end so, and are secrets in any text.
const STRONG: [&str; 52] = [
    "apikey",
    "apikeys",
    "accesskey",
    "accesskeys",
    "accesskeyid",
    "privatekey",
    "privatekeys",
    "secretkey",
    "secretkeys",
    "accountkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "authkey",
    "sharedkey",
    "subscriptionkey",
    "secretkeybase",
    "clientsecret",
    "clientsecrets",
    "apisecret",
    "appsecret",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "passphrases",
    "dbpass",
    "userpass",
    "accesstoken",
    "accesstokens",
    "refreshtoken",
    "refreshtokens",
    "authtoken",
    "authtokens",
    "bearertoken",
    "bearertokens",
    "apitoken",
    "apitokens",
    "sessiontoken",
    "sessiontokens",
    "securitytoken",
    "idtoken",
    "idtokens",
    "proxyauthorization",
    "bindpw",
    "sshpass",
    "pgpass",
    "openaikey",
    "stripekey",
    "sshkey",
    "passwordconfirmation",
    "[password]",
];

/// Names that end so.
const WEAK: [&str; 18] = [
    "token",
    "secret",
    "secrets",
    "pairingcode",
    "usercode",
    "devicecode",
    "authcode",
    "authorizationcode",
    "authurl",
    "authorizationurl",
    "verificationurl",
    "verificationuri",
    "verificationuricomplete",
    "clientassertion",
    "cookie",
    "cookies",
    "signature",
    "credentials",
];

/// Names that are these.
const WEAK_NAMES: [&str; 6] = [
    "authorization",
    "jwt",
    "bearer",
    "auth",
    "credential",
    "pass",
];

/// Last words of variables that are secrets: `MY_JWT`, `NPM_AUTH`, `GITHUB_PAT`.
const LAST_WORDS: [&str; 3] = ["_jwt", "_auth", "_pat"];

/// What may stand behind the name of a secret that is one of several.
const ENDINGS: [&str; 8] = [
    "_prod",
    "_production",
    "_staging",
    "_dev",
    "_test",
    "_ro",
    "_rw",
    "Value",
];

const CONTAINERS: [&str; 11] = [
    "env",
    "envs",
    "envvars",
    "environ",
    "environment",
    "environmentvariables",
    "headers",
    "httpheaders",
    "extraheaders",
    "requestheaders",
    "responseheaders",
];

/// Names that end so and are none: they tell requests and pages apart, or belong to a tokenizer.
const HARMLESS: [&str; 10] = [
    "cancellationtoken",
    "progresstoken",
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "eostoken",
    "bostoken",
    "padtoken",
    "unktoken",
    "publickeytoken",
];

/// Parameters of URLs that are secrets in them, though not everywhere.
const PARAMETERS: [&str; 9] = [
    "code",
    "state",
    "key",
    "sig",
    "nonce",
    "codechallenge",
    "codeverifier",
    "session",
    "xamzcredential",
];

/// Whether the name of a member, or the last part of a dotted one, says that its value is a secret.
///
/// Upper and lower case, spaces, `_` and `-` make no difference, and neither does a plural, but for
/// `…Tokens`, which are counted more often than kept.
///
/// ```
/// use openai_codex_wire::redact::is_secret_name;
///
/// assert!(is_secret_name("X-Api-Key") && is_secret_name("model_providers.x.experimental_bearer_token"));
/// assert!(!is_secret_name("inputTokens"));
/// ```
pub fn is_secret_name(name: &str) -> bool {
    strength(name) != Strength::None
}

/// Whether a dotted path leads to a secret: by its last name, as [`is_secret_name`] says, or because
/// it leads into what is secret as a whole, such as `mcp_servers.x.env.DEBUG`.
pub fn is_secret_path(path: &str) -> bool {
    matches!(Fate::Keep.at(path), Fate::Hide | Fate::HideTexts)
}

/// How sure the name of a member, or the last part of a dotted one, is of its secret.
pub(super) fn strength(name: &str) -> Strength {
    let name = name.rsplit('.').next().unwrap_or(name);
    let name = base(name);
    let plain = plain(name);
    let plain = plain.as_str();
    let ends = |ends: &[&str]| ends.iter().any(|end| plain.ends_with(end));
    if plain == "tokens" {
        Strength::Plural
    } else if CONTAINERS.contains(&plain) {
        Strength::Container
    } else if ends(&HARMLESS) {
        Strength::None
    } else if ends(&STRONG) || is_short_password(name) {
        Strength::Strong
    } else if ends(&WEAK) || WEAK_NAMES.contains(&plain) || is_variable(name) {
        Strength::Weak
    } else {
        Strength::None
    }
}

/// Whether a parameter of a URL is a secret.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    let strength = strength(name);
    !matches!(strength, Strength::None | Strength::Container)
        || PARAMETERS.contains(&plain(name).as_str())
}

/// A name without what tells several of its kind apart: `API_KEY_2`, `DB_PASSWORD_PROD`.
fn base(name: &str) -> &str {
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = digits.strip_suffix(['_', '-']).unwrap_or(digits);
    let ends = |end: &&str| {
        let at = name.len().checked_sub(end.len());
        let at = at.filter(|at| *at > 0 && name.is_char_boundary(*at));
        at.filter(|at| match end.starts_with('_') {
            true => name[*at..].eq_ignore_ascii_case(end),
            false => name[*at..] == **end,
        })
    };
    let mut endings = ENDINGS.iter();
    endings.find_map(ends).map_or(name, |at| &name[..at])
}

/// Whether a name has the last word of a secret variable.
fn is_variable(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    LAST_WORDS.iter().any(|end| lower.ends_with(end))
}

/// `DB_PASS`, `db-pwd`, though not `bypass` or `PWD`.
fn is_short_password(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = ["_pass", "-pass", "_pwd", "-pwd"];
    // `PWD` is a directory.
    matches!(name, "pwd" | "Pwd") || ends.iter().any(|end| lower.ends_with(end))
}

/// A name without what makes no difference.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | '"' | '\'' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// What is to become of a value in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    /// It is a `shell_environment_policy`, whose `set` is a secret.
    Policy,
    /// Its texts are secrets, its numbers are not.
    HideTexts,
    /// It is a secret, with all that is in it.
    Hide,
}

impl Fate {
    /// Of what a dotted path leads to from here: `mcp_servers.x.env.KEY`.
    pub(super) fn at(self, path: &str) -> Self {
        path.split('.').fold(self, |fate, part| {
            if matches!(fate, Self::Hide | Self::HideTexts) {
                return fate;
            }
            match strength(part) {
                Strength::Plural => return Self::HideTexts,
                Strength::None => {}
                Strength::Container | Strength::Weak | Strength::Strong => return Self::Hide,
            }
            match plain(part).as_str() {
                "set" if fate == Self::Policy => Self::Hide,
                "effectivevalue" => Self::Hide,
                "shellenvironmentpolicy" => Self::Policy,
                _ => Self::Keep,
            }
        })
    }

    /// Whether a text is to be replaced.
    pub(super) fn hides(self, text: &[u8]) -> bool {
        match self {
            Self::Keep | Self::Policy => false,
            // An empty one is no secret, and often means that there is none.
            Self::Hide => !text.is_empty(),
            Self::HideTexts => !text.is_empty() && !is_count(text),
        }
    }
}

/// Whether the name says that the value beside it is a secret: `{"name": "API_KEY", "value": …}`.
pub(super) fn names_another(member: &str) -> bool {
    matches!(
        plain(member).as_str(),
        "name" | "key" | "var" | "keypath" | "variable" | "header" | "field"
    )
}

/// Whether a member is what is named beside it.
pub(super) fn is_value(member: &str) -> bool {
    matches!(plain(member).as_str(), "value" | "val")
}

/// Whether a text counts something: `1,234`, `12k`.
pub(super) fn is_count(text: &[u8]) -> bool {
    text.len() <= 16
        && text.first().is_some_and(u8::is_ascii_digit)
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || b",._kKMB%/+".contains(byte))
}
