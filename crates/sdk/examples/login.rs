//! Who is logged in, and how to log in.
//!
//! `cargo run --example login`, with `-- --api-key` (reads `OPENAI_API_KEY`),
//! `-- --browser` or `-- --device-code` to log in, with `-- --logout` to log
//! out; offline with `-- --demo`. The runtime keeps the login in its home.

mod support;

use openai_codex::types::{Account, AccountLoginCompletedNotification};
use openai_codex::{Codex, SecretString};

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage_with(|_| {}, |demo| demo.requires_openai_auth(true))?;
    let codex = stage.builder().await?;
    show(&codex).await?;

    let has = |option: &str| std::env::args().any(|arg| arg == option);
    if stage.is_demo() {
        codex.login_api_key("sk-of-nobody").await?;
        show(&codex).await?;
        codex.logout().await?;
    } else if has("--api-key") {
        // Not printed by anything, in no error and in no log.
        let key = SecretString::new(std::env::var("OPENAI_API_KEY")?);
        codex.login_api_key(key).await?;
    } else if has("--browser") {
        let login = codex.login_chatgpt().await?;
        println!("Open {}", login.auth_url());
        tell(login.wait().await?);
    } else if has("--device-code") {
        let login = codex.login_chatgpt_device_code().await?;
        println!(
            "Open {} and type {}",
            login.verification_url(),
            login.user_code()
        );
        tell(login.wait().await?);
    } else if has("--logout") {
        codex.logout().await?;
    } else {
        return Ok(());
    }
    show(&codex).await?;
    codex.close().await?;
    Ok(())
}

async fn show(codex: &Codex) -> openai_codex::Result<()> {
    match codex.account().await?.account {
        None => println!("nobody is logged in"),
        Some(Account::ApiKey) => println!("logged in with an API key"),
        Some(Account::Chatgpt(account)) => {
            println!(
                "logged in as {}",
                account.email.as_deref().unwrap_or("somebody")
            );
        }
        Some(other) => println!("logged in with {}", other.kind()),
    }
    Ok(())
}

fn tell(completed: AccountLoginCompletedNotification) {
    match completed.error {
        None => println!("done"),
        Some(error) => println!("it did not work: {error}"),
    }
}
