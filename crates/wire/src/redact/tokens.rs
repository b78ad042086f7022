//! Secrets that are known by how they begin.

use std::ops::Range;

use super::find::{End, Found, in_a_word, is_token, run, run_back};

/// What follows the beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// So many characters of a token at least.
    Token(usize),
    /// As before, with a digit or a capital: `sk-learn-…` is a word.
    Odd(usize),
    /// As before, with a dot in it.
    Dotted(usize),
    /// So many letters and digits at least, and then none of a longer word: `npm_` begins
    /// variables too.
    Plain(usize),
    /// The path of a URL, which is the secret without its beginning.
    Path,
}

use Form::{Dotted, Odd, Path, Plain, Token};

const SHAPES: [(&str, Form); 94] = [
    ("sk-", Odd(16)),
    ("sk_live_", Token(8)),
    ("sk_test_", Token(8)),
    ("rk_live_", Token(8)),
    ("rk_test_", Token(8)),
    ("whsec_", Token(16)),
    ("eyJ", Dotted(24)),
    ("ghp_", Token(16)),
    ("gho_", Token(16)),
    ("ghs_", Token(16)),
    ("ghu_", Token(16)),
    ("ghr_", Token(16)),
    ("github_pat_", Token(16)),
    ("glpat-", Token(16)),
    ("gldt-", Token(16)),
    ("glrt-", Token(16)),
    ("npm_", Plain(20)),
    ("hf_", Plain(20)),
    ("pypi-", Plain(16)),
    ("pypi-Ag", Token(8)),
    ("xoxa-", Token(10)),
    ("xoxb-", Token(10)),
    ("xoxe-", Token(10)),
    ("xoxo-", Token(10)),
    ("xoxp-", Token(10)),
    ("xoxr-", Token(10)),
    ("xoxs-", Token(10)),
    ("xapp-", Token(10)),
    ("AKIA", Plain(12)),
    ("ASIA", Plain(16)),
    ("AIza", Token(30)),
    ("ya29.", Token(16)),
    ("1//0", Token(30)),
    ("GOCSPX-", Token(16)),
    ("AccountKey=", Token(8)),
    ("SharedAccessKey=", Token(8)),
    ("SharedAccessSignature=", Token(8)),
    ("dop_v1_", Token(16)),
    ("dckr_pat_", Token(16)),
    ("shpat_", Token(16)),
    ("shpss_", Token(16)),
    ("lin_api_", Token(16)),
    ("figd_", Token(16)),
    ("sbp_", Plain(20)),
    ("gsk_", Plain(20)),
    ("xai-", Token(30)),
    ("tskey-", Token(16)),
    ("hvs.", Token(20)),
    ("hvb.", Token(20)),
    ("ATATT3", Token(20)),
    ("SG.", Dotted(30)),
    ("AGE-SECRET-KEY-1", Token(20)),
    ("pat-na1-", Token(16)),
    ("crates_io_", Plain(20)),
    ("cio", Plain(32)),
    ("glsa_", Token(16)),
    ("glptt-", Token(16)),
    ("nvapi-", Token(16)),
    ("pplx-", Plain(20)),
    ("xoxc-", Token(10)),
    ("xoxd-", Token(10)),
    ("rubygems_", Plain(20)),
    ("NRAK-", Plain(16)),
    ("PMAK-", Token(16)),
    ("sntrys_", Token(16)),
    // Webhooks: whoever has the URL may post.
    ("hooks.slack.com/services/", Path),
    ("hooks.slack.com/workflows/", Path),
    ("hooks.slack.com/triggers/", Path),
    ("discord.com/api/webhooks/", Path),
    ("discordapp.com/api/webhooks/", Path),
    ("discord.com/api/v10/webhooks/", Path),
    ("discord.com/api/v9/webhooks/", Path),
    ("discord.com/api/v8/webhooks/", Path),
    ("webhook.office.com/webhookb2/", Path),
    ("outlook.office.com/webhook/", Path),
    ("outlook.office365.com/webhook/", Path),
    ("webexapis.com/v1/webhooks/incoming/", Path),
    ("api.telegram.org/bot", Path),
    ("hooks.zapier.com/hooks/catch/", Path),
    ("maker.ifttt.com/trigger/", Path),
    ("hook.eu1.make.com/", Path),
    ("hook.eu2.make.com/", Path),
    ("hook.us1.make.com/", Path),
    ("hook.us2.make.com/", Path),
    ("hook.integromat.com/", Path),
    ("open.feishu.cn/open-apis/bot/v2/hook/", Path),
    ("open.larksuite.com/open-apis/bot/v2/hook/", Path),
    ("events.pagerduty.com/integration/", Path),
    ("hc-ping.com/", Path),
    ("hooks.airtable.com/workflows/", Path),
    ("api.opsgenie.com/v1/json/", Path),
    ("chat.googleapis.com/v1/spaces/", Path),
    ("alert.victorops.com/integrations/generic/", Path),
    ("webhook.site/", Path),
];

/// The pairs of bytes with which they begin, so that most of a text is passed by quickly.
const PAIRS: [u64; 1024] = pairs();

const fn pairs() -> [u64; 1024] {
    let mut set = [0; 1024];
    let mut index = 0;
    while index < SHAPES.len() {
        let start = SHAPES[index].0.as_bytes();
        let pair = (start[0] as usize) << 8 | start[1] as usize;
        set[pair >> 6] |= 1 << (pair & 63);
        index += 1;
    }
    set
}

pub(super) fn find(text: &[u8], end: End, found: &mut Found) {
    let mut at = 0;
    let mut word = Word::default();
    while at + 1 < text.len() {
        let pair = usize::from(text[at]) << 8 | usize::from(text[at + 1]);
        if PAIRS[pair >> 6] & 1 << (pair & 63) != 0
            && let Some(secret) = shape(text, at, end, &mut word)
        {
            at = secret.end.max(at + 1);
            found.push(secret);
        } else if matches!(text[at], b'b' | b'B')
            && let Some(bearer) = bearer(text, at, end, &mut word)
        {
            at = bearer.end;
            found.push(bearer);
        } else {
            at += 1;
        }
    }
}

/// The characters of a token around some place. Looked at once, however often a beginning is among
/// them.
#[derive(Default)]
struct Word {
    end: usize,
    /// As before, without the dots of a sentence.
    trimmed: usize,
    last_dot: Option<usize>,
}

impl Word {
    /// Looks at the characters of a token that begin here.
    fn read(&mut self, text: &[u8], begin: usize) {
        if begin >= self.end {
            let end = begin + run(&text[begin..], is_token);
            let dots = run_back(&text[begin..end], usize::MAX, |byte| byte == b'.');
            self.end = end;
            self.trimmed = end - dots;
            let word = &text[begin..self.trimmed];
            let dot = word.iter().rposition(|byte| *byte == b'.');
            self.last_dot = dot.map(|dot| begin + dot);
        }
    }
}

/// The secret of a beginning that stands here.
fn shape(text: &[u8], at: usize, end: End, word: &mut Word) -> Option<Range<usize>> {
    let rest = &text[at..];
    let shapes = SHAPES
        .iter()
        .filter(|(start, _)| rest.starts_with(start.as_bytes()));
    for (start, form) in shapes {
        // `task-…` does not begin with `sk-`.
        if in_a_word(&text[..at]) {
            return None;
        }
        let begin = at + start.len();
        let plain = begin + plain_run(&text[begin..]);
        word.read(text, begin);
        // Of a text that grows, the rest is still to come.
        let is_open = end == End::Open && word.end == text.len() && word.end > begin;
        let until = if is_open {
            word.end
        } else {
            word.trimmed.max(begin)
        };
        let fits = match *form {
            Path => {
                let is_path = |byte: u8| is_token(byte) || b"%:@".contains(&byte);
                let length = run(&text[begin..], is_path);
                let until = match is_open {
                    true => begin + length,
                    false => {
                        begin + length
                            - run_back(&text[begin..begin + length], 3, |byte| {
                                b".:".contains(&byte)
                            })
                    }
                };
                if is_open || until - begin >= 8 {
                    return Some(begin..until);
                }
                false
            }
            Token(least) => until - begin >= least || is_open,
            Odd(least) => {
                let odd = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
                let mut said = text[begin..until].iter();
                is_open || until - begin >= least && said.any(odd)
            }
            Dotted(least) => {
                is_open || until - begin >= least && word.last_dot.is_some_and(|dot| dot >= begin)
            }
            Plain(least) => {
                let said = &text[begin..until];
                let is_word = said.len() > 3 && said.iter().all(u8::is_ascii_lowercase);
                let is_open = is_open && plain == until && !is_word;
                let goes_on = text.get(plain).is_some_and(|byte| b"_-.".contains(byte));
                is_open || plain - begin >= least && !goes_on
            }
        };
        if fits {
            return Some(at..until);
        }
    }
    None
}

/// How many letters and digits there are, as far as it matters.
fn plain_run(text: &[u8]) -> usize {
    text.iter()
        .take(512)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count()
}

/// What follows `Bearer`, in whatever case.
fn bearer(text: &[u8], at: usize, end: End, word: &mut Word) -> Option<Range<usize>> {
    const WORD: &[u8] = b"bearer ";
    let lead = text.get(at..at + WORD.len())?;
    if !lead.eq_ignore_ascii_case(WORD) || in_a_word(&text[..at]) {
        return None;
    }
    let begin = at + WORD.len();
    word.read(text, begin);
    let until = word.end;
    let token = &text[begin..until];
    let is_word = token.iter().all(u8::is_ascii_lowercase);
    let is_open = end == End::Open && until == text.len() && !token.is_empty();
    (is_open || token.len() >= if is_word { 20 } else { 8 }).then_some(begin..until)
}
