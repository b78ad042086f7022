//! What a turn is given.

use std::fmt;
use std::path::{Path, PathBuf};

use openai_codex_types::{
    FunctionCallOutputBody, FunctionCallOutputContentItem, ImageUserInput, LocalImageUserInput,
    MentionUserInput, SkillUserInput, TextUserInput, TurnToolOutput, UserInput,
};

use crate::error::{Error, ErrorKind, Result};
use crate::options::path_text;

/// How many characters the text of one input may have. 0.163.0 refuses more.
const MAX_CHARACTERS: usize = 1 << 20;

/// One piece of a turn's input: text, an image, a skill, a mention.
///
/// ```
/// use openai_codex::InputItem;
///
/// let items = [
///     InputItem::text("What is on this picture?"),
///     InputItem::local_image("/tmp/screenshot.png"),
/// ];
/// # assert_eq!(items.len(), 2);
/// ```
#[derive(Clone, PartialEq)]
pub struct InputItem {
    item: UserInput,
    /// Its path, if the protocol cannot carry it: then it is refused when it is to be sent.
    unfit: Option<PathBuf>,
}

impl InputItem {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        UserInput::from(TextUserInput::new(text)).into()
    }

    /// An image by its URL. It must be a data URL: the runtime refuses to fetch
    /// from the network.
    pub fn image(url: impl Into<String>) -> Self {
        UserInput::from(ImageUserInput::new().url(url)).into()
    }

    /// An image in a file that the runtime reads: a relative path is taken from the
    /// runtime's [working directory](crate::CodexBuilder::cwd), whatever that of the
    /// thread. 0.163.0 tells the model if it cannot read the file, and nobody else.
    pub fn local_image(path: impl AsRef<Path>) -> Self {
        Self::with_path(path.as_ref(), |path| LocalImageUserInput::new(path).into())
    }

    /// A skill, by its name and the path of its `SKILL.md`.
    pub fn skill(name: impl Into<String>, path: impl AsRef<Path>) -> Self {
        Self::with_path(path.as_ref(), |path| {
            SkillUserInput::new(name.into(), path).into()
        })
    }

    /// A mention of a file, an app or a plugin, by its name and its path or URI
    /// (`app://…`).
    pub fn mention(name: impl Into<String>, path: impl Into<String>) -> Self {
        UserInput::from(MentionUserInput::new(name.into(), path.into())).into()
    }

    fn with_path(path: &Path, item: impl FnOnce(String) -> UserInput) -> Self {
        Self {
            item: item(path.to_string_lossy().into_owned()),
            unfit: path.to_str().is_none().then(|| path.to_owned()),
        }
    }
}

/// The kind alone: the rest is what the user says.
impl fmt::Debug for InputItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InputItem({})", self.item.kind())
    }
}

impl From<UserInput> for InputItem {
    fn from(item: UserInput) -> Self {
        Self { item, unfit: None }
    }
}

impl From<InputItem> for UserInput {
    fn from(item: InputItem) -> Self {
        item.item
    }
}

impl From<&str> for InputItem {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for InputItem {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&String> for InputItem {
    fn from(text: &String) -> Self {
        Self::text(text)
    }
}

/// What the user says to the agent: one or more [`InputItem`]s.
///
/// Strings, items, arrays and vectors of them all convert into it.
///
/// ```
/// use openai_codex::{Input, InputItem};
///
/// let input = Input::from(["Compare these.".into(), InputItem::local_image("a.png")]);
/// assert_eq!(input.items().len(), 2);
/// assert_eq!(Input::from("Hello.").items(), [InputItem::text("Hello.")]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Input(Vec<InputItem>);

impl Input {
    /// The items, in order.
    pub fn items(&self) -> &[InputItem] {
        &self.0
    }

    /// The wire form, checked as far as it can be before it is sent.
    pub(crate) fn into_wire(self) -> Result<Vec<UserInput>> {
        let mut characters = 0;
        for InputItem { item, unfit } in &self.0 {
            if let Some(path) = unfit {
                path_text("the path of an input", path)?;
            }
            match item {
                UserInput::Text(text) => characters += text.text.chars().count(),
                UserInput::Image(image) => check_image(image)?,
                _ => {}
            }
        }
        if characters > MAX_CHARACTERS {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "the input has {characters} characters of text, and the runtime takes at most {MAX_CHARACTERS}; \
                     put the rest into a file and mention it"
                ),
            ));
        }
        Ok(self.0.into_iter().map(UserInput::from).collect())
    }
}

fn check_image(image: &ImageUserInput) -> Result<()> {
    let remote = |url: &str| {
        let start = url
            .trim_start()
            .get(..8)
            .unwrap_or(url)
            .to_ascii_lowercase();
        start.starts_with("http://") || start.starts_with("https://")
    };
    match &image.url {
        Some(url) if remote(url) => Err(Error::new(
            ErrorKind::InvalidInput,
            "the runtime does not fetch images from the network; use a data URL, or \
             InputItem::local_image with a file",
        )),
        None if image.file_id.is_none() => Err(Error::new(
            ErrorKind::InvalidInput,
            "the image has neither a URL nor a file id",
        )),
        _ => Ok(()),
    }
}

/// Something that another tool or service reports, as a whole turn's input.
///
/// The agent sees it as the output of the tool `tool_name`, not as something
/// that the user said.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::ExternalMessage;
///
/// let message = ExternalMessage::new("ci", "build 4711 has failed").namespace("jenkins");
/// let result = thread.run(message).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq)]
pub struct ExternalMessage {
    /// The tool that it comes from. Must not be blank.
    pub tool_name: String,
    /// The tool's namespace.
    pub namespace: Option<String>,
    /// What it says: text, or content items.
    pub content: FunctionCallOutputBody,
}

impl ExternalMessage {
    /// A message of `tool_name`.
    pub fn new(tool_name: impl Into<String>, content: impl Into<FunctionCallOutputBody>) -> Self {
        Self {
            tool_name: tool_name.into(),
            namespace: None,
            content: content.into(),
        }
    }

    /// A message made of content items.
    pub fn with_items(
        tool_name: impl Into<String>,
        items: impl Into<Vec<FunctionCallOutputContentItem>>,
    ) -> Self {
        Self::new(tool_name, items.into())
    }

    /// Sets the tool's namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    fn into_wire(self) -> Result<TurnToolOutput> {
        if self.tool_name.trim().is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the tool name of an external message must not be blank",
            ));
        }
        let mut output = TurnToolOutput::new(self.tool_name, self.content);
        output.namespace = self.namespace;
        Ok(output)
    }
}

/// Without the content.
impl fmt::Debug for ExternalMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalMessage")
            .field("tool_name", &self.tool_name)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// What starts a turn: an [`Input`], or an [`ExternalMessage`] by itself.
///
/// ```
/// use openai_codex::{ExternalMessage, TurnInput};
///
/// assert!(matches!(TurnInput::from("Hello."), TurnInput::User(_)));
/// let report = ExternalMessage::new("ci", "green");
/// assert!(matches!(TurnInput::from(report), TurnInput::External(_)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TurnInput {
    /// What the user says.
    User(Input),
    /// What a tool reports.
    External(ExternalMessage),
}

impl TurnInput {
    /// The wire form: `input` and `toolOutput`.
    pub(crate) fn into_wire(self) -> Result<(Vec<UserInput>, Option<TurnToolOutput>)> {
        match self {
            Self::User(input) => Ok((input.into_wire()?, None)),
            Self::External(message) => Ok((Vec::new(), Some(message.into_wire()?))),
        }
    }
}

macro_rules! from_single {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Input {
            fn from(item: $ty) -> Self {
                Self(vec![item.into()])
            }
        }

        impl From<$ty> for TurnInput {
            fn from(item: $ty) -> Self {
                Self::User(item.into())
            }
        }
    )*};
}

from_single!(&str, String, &String, InputItem, UserInput);

impl<T: Into<InputItem>> From<Vec<T>> for Input {
    fn from(items: Vec<T>) -> Self {
        Self(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<InputItem>, const N: usize> From<[T; N]> for Input {
    fn from(items: [T; N]) -> Self {
        Self(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<InputItem>> From<Vec<T>> for TurnInput {
    fn from(items: Vec<T>) -> Self {
        Self::User(items.into())
    }
}

impl<T: Into<InputItem>, const N: usize> From<[T; N]> for TurnInput {
    fn from(items: [T; N]) -> Self {
        Self::User(items.into())
    }
}

impl From<Input> for TurnInput {
    fn from(input: Input) -> Self {
        Self::User(input)
    }
}

impl From<ExternalMessage> for TurnInput {
    fn from(message: ExternalMessage) -> Self {
        Self::External(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(input: impl Into<TurnInput>) -> String {
        let error = input.into().into_wire().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.to_string()
    }

    #[test]
    fn inputs_have_their_wire_form() {
        let items = [
            InputItem::text("a"),
            InputItem::image("data:image/png;base64,AA=="),
            InputItem::local_image(PathBuf::from("/p.png")),
            InputItem::skill("s", Path::new("/s/SKILL.md")),
            InputItem::mention("m", "app://m"),
        ];
        let (input, tool) = TurnInput::from(items).into_wire().unwrap();
        assert!(tool.is_none());
        assert_eq!(
            serde_json::to_value(&input).unwrap(),
            serde_json::json!([
                {"type": "text", "text": "a"},
                {"type": "image", "url": "data:image/png;base64,AA=="},
                {"type": "localImage", "path": "/p.png"},
                {"type": "skill", "name": "s", "path": "/s/SKILL.md"},
                {"type": "mention", "name": "m", "path": "app://m"},
            ])
        );
        assert_eq!(Input::from(vec!["a", "b"]).items().len(), 2);
    }

    #[test]
    fn an_external_message_is_tool_output_and_no_input() {
        let (input, tool) = TurnInput::from(ExternalMessage::new("ci", "green").namespace("build"))
            .into_wire()
            .unwrap();
        assert!(input.is_empty());
        assert_eq!(
            serde_json::to_value(tool).unwrap(),
            serde_json::json!({"name": "ci", "namespace": "build", "output": "green"})
        );
        assert!(refused(ExternalMessage::new(" \t", "x")).contains("blank"));
    }

    #[test]
    fn what_the_runtime_would_refuse_is_refused_before_it_is_sent() {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let path = Path::new(std::ffi::OsStr::from_bytes(b"/\xff.png"));
            assert!(refused(InputItem::local_image(path)).contains("not UTF-8"));
            assert!(refused(InputItem::skill("s", path)).contains("not UTF-8"));
        }
        assert!(refused(InputItem::image("HTTPS://example.com/a.png")).contains("data URL"));
        assert!(refused("é".repeat(MAX_CHARACTERS + 1)).contains("1048577 characters"));
        assert!(
            TurnInput::from("é".repeat(MAX_CHARACTERS))
                .into_wire()
                .is_ok()
        );
    }
}
