//! Answers to the questions that the agent asks the user.

use std::collections::BTreeMap;
use std::fmt;

use openai_codex_types::{
    ToolRequestUserInputAnswer, ToolRequestUserInputParams, ToolRequestUserInputQuestion,
    ToolRequestUserInputResponse,
};

use super::error::HandlerError;

/// The user's answers to the questions of a `user_input` handler.
///
/// Each question is answered, or [skipped](Self::skip). Where a question has
/// options and does not say that others will do (`is_other`), an answer is the
/// label of an option. What does not fit is answered as an error.
///
/// ```no_run
/// use openai_codex::{Handlers, UserInputAnswers};
///
/// let handlers = Handlers::new().user_input(|request, _cx| async move {
///     let mut answers = UserInputAnswers::new();
///     for question in &request.questions {
///         println!("{}", question.question);
///         answers = answers.answer(&question.id, "yes");
///     }
///     answers
/// });
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct UserInputAnswers(BTreeMap<String, Vec<String>>);

impl UserInputAnswers {
    /// No answers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a question, by its id. Said twice, a question has two answers.
    pub fn answer(mut self, question: impl Into<String>, answer: impl Into<String>) -> Self {
        let answers = self.0.entry(question.into()).or_default();
        answers.push(answer.into());
        self
    }

    /// Says that the user gives no answer to a question.
    pub fn skip(mut self, question: impl Into<String>) -> Self {
        self.0.insert(question.into(), Vec::new());
        self
    }

    pub(super) fn checked(
        self,
        request: &ToolRequestUserInputParams,
    ) -> Result<ToolRequestUserInputResponse, HandlerError> {
        let asked = |id: &String| request.questions.iter().any(|it| it.id == *id);
        if let Some(unasked) = self.0.keys().find(|id| !asked(id)) {
            return Err(wrong(unasked, "was not asked"));
        }
        for question in &request.questions {
            let Some(answers) = self.0.get(&question.id) else {
                return Err(wrong(&question.id, "is neither answered nor skipped"));
            };
            if let Some(labels) = labels(question)
                && answers.iter().any(|it| !labels.contains(&it.as_str()))
            {
                return Err(wrong(&question.id, "takes only the labels of its options"));
            }
        }
        let answers = self.0.into_iter();
        Ok(ToolRequestUserInputResponse::new(
            answers
                .map(|(id, answers)| (id, ToolRequestUserInputAnswer::new(answers)))
                .collect(),
        ))
    }
}

/// The only answers that will do, if there are such.
fn labels(question: &ToolRequestUserInputQuestion) -> Option<Vec<&str>> {
    let options = question.options.as_deref()?;
    (!question.is_other && !options.is_empty())
        .then(|| options.iter().map(|it| it.label.as_str()).collect())
}

fn wrong(question: &str, what: &str) -> HandlerError {
    HandlerError::new(format!("the question {question:?} {what}"))
}

/// The questions that are answered; an answer may be secret.
impl fmt::Debug for UserInputAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> ToolRequestUserInputParams {
        serde_json::from_value(json!({
            "threadId": "t", "turnId": "u", "itemId": "i", "isBlocking": true,
            "questions": [
                {"id": "color", "header": "", "question": "", "options": [
                    {"label": "Red", "description": ""}, {"label": "Blue", "description": ""},
                ]},
                {"id": "name", "header": "", "question": "", "isSecret": true},
            ],
        }))
        .unwrap()
    }

    #[track_caller]
    fn refused(answers: UserInputAnswers, reason: &str) {
        let error = answers.checked(&request()).unwrap_err();
        assert!(error.message().contains(reason), "{error}");
    }

    #[test]
    fn answers_are_checked_against_the_questions() {
        let answers = UserInputAnswers::new();
        let fine = answers.clone().answer("color", "Red").answer("name", "Ada");
        let response = serde_json::to_value(fine.clone().checked(&request()).unwrap()).unwrap();
        assert_eq!(
            response,
            json!({"answers": {"color": {"answers": ["Red"]}, "name": {"answers": ["Ada"]}}})
        );
        assert!(!format!("{fine:?}").contains("Ada"));
        assert!(
            answers
                .clone()
                .skip("color")
                .skip("name")
                .checked(&request())
                .is_ok()
        );
        refused(answers.clone(), "neither answered");
        refused(
            answers.clone().answer("color", "Green").skip("name"),
            "labels",
        );
        refused(fine.answer("size", "L"), "\"size\" was not asked");
    }
}
