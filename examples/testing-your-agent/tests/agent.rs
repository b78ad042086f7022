//! The agent on the real runtime, with a model that says what each test needs.

use openai_codex::Codex;
use openai_codex::types::CodexErrorInfo;
use openai_codex_testkit::{MockModel, TestRuntime};
use serde_json::json;
use testing_your_agent::{Issues, ReleaseAgent};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// An agent whose model is scripted. The runtime's folders are there as long as the first is.
async fn agent(model: &MockModel) -> Result<(TestRuntime, ReleaseAgent)> {
    let runtime = TestRuntime::new(model)?;
    let codex = Codex::builder()
        .codex_bin(runtime.binary())
        .envs(runtime.env())
        .cwd(runtime.workspace())
        .await?;
    let agent = ReleaseAgent::start(&codex, runtime.workspace(), issues()).await?;
    Ok((runtime, agent))
}

fn issues() -> Issues {
    Issues::from([("1.4".to_owned(), 0), ("1.5".to_owned(), 7)])
}

/// The happy path: the model asks the tool and looks at the repository, and the agent answers.
#[tokio::test]
async fn a_milestone_without_open_issues_can_go_out() -> Result {
    let model = MockModel::start()?;
    model.calls("open_issues", json!({"milestone": "1.4"}));
    model.shell_escalated("git tag --list", "Which releases are there?");
    model.say("Yes: nothing is open.");

    let (_runtime, agent) = agent(&model).await?;
    assert_eq!(agent.can_release("1.4").await?, "Yes: nothing is open.");

    // What the model was told: the question, the tool, and what the tool said.
    let requests = model.requests();
    assert_eq!(requests[0].last_user_text(), Some("Can 1.4 go out?"));
    assert!(requests[0].tool("open_issues").is_some());
    assert_eq!(requests[1].function_outputs()[0].text(), "0 open");
    assert!(agent.declined().is_empty());
    model.assert_finished();
    Ok(())
}

/// A tool that fails is no failure of the turn: the model reads why, and can do better.
#[tokio::test]
async fn the_model_is_told_of_a_milestone_that_there_is_not() -> Result {
    let model = MockModel::start()?;
    model.calls("open_issues", json!({"milestone": "9.9"}));
    model.say("There is no 9.9.");

    let (_runtime, agent) = agent(&model).await?;
    agent.can_release("9.9").await?;
    let request = model.last_request().expect("it was asked");
    let output = &request.function_outputs()[0];
    assert!(output.text().contains("there is no such milestone"));
    Ok(())
}

/// A failing model: the agent's caller learns why, and what happened until then.
#[tokio::test]
async fn a_model_at_its_limit_is_an_error_with_the_reason() -> Result {
    let model = MockModel::start()?;
    model.calls("open_issues", json!({"milestone": "1.5"}));
    model.usage_limit_reached();

    let (_runtime, agent) = agent(&model).await?;
    let Err(error) = agent.can_release("1.5").await else {
        panic!("the turn cannot succeed");
    };
    assert_eq!(
        error.codex_error_info(),
        Some(&CodexErrorInfo::UsageLimitExceeded)
    );
    let items = error.turn_result().map_or(0, |turn| turn.items.len());
    assert!(items > 0, "the question and the tool call are there");
    model.assert_finished();
    Ok(())
}

/// A denied command: it does not run, the model is told, and the turn goes on.
#[tokio::test]
async fn the_agent_never_pushes() -> Result {
    let model = MockModel::start()?;
    model.shell_escalated("git push", "Ship it!");
    model.say("I was not allowed to push.");

    let (_runtime, agent) = agent(&model).await?;
    assert_eq!(
        agent.can_release("1.4").await?,
        "I was not allowed to push."
    );

    let declined = agent.declined();
    assert!(declined[0].contains("git push"), "{declined:?}");
    let request = model.last_request().expect("it was asked");
    let output = &request.function_outputs()[0];
    assert!(output.text().contains("rejected"), "{}", output.text());
    model.assert_finished();
    Ok(())
}

/// What a rule allows is no way in for anything behind it.
#[tokio::test]
async fn a_push_behind_an_allowed_command_is_declined_too() -> Result {
    let model = MockModel::start()?;
    model.shell_escalated("git tag --list && git push", "Ship it!");
    model.say("I was not allowed to push.");

    let (_runtime, agent) = agent(&model).await?;
    agent.can_release("1.4").await?;
    assert_eq!(agent.declined().len(), 1);
    Ok(())
}
