//! Starts the browser and asks it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the page is looked at.
#[derive(Clone, Copy, Debug)]
pub enum Look {
    /// A window of this size.
    Window(u32, u32),
    /// A telephone.
    Telephone,
}

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    // Ends with this.
    _driver: Child,
}

impl Browser {
    /// Starts it; `None` where Chromium or its driver is not installed.
    ///
    /// # Errors
    /// When it is installed and does not start.
    pub async fn start(look: Look) -> Result<Option<Self>> {
        let mut driver = match Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
        {
            Ok(driver) => driver,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("chromedriver does not start"),
        };
        let stdout = driver.stdout.take().context("chromedriver has no output")?;
        let port = timeout(PATIENCE, port(stdout)).await??;
        let mut options = json!({ "args": [
            "--headless=new",
            // As root, and where containers have no namespaces; the pages are our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ]});
        match look {
            Look::Window(width, height) => {
                let size = format!("--window-size={width},{height}");
                options["args"]
                    .as_array_mut()
                    .context("a list")?
                    .push(size.into());
            }
            Look::Telephone => {
                options["mobileEmulation"] = json!({ "deviceMetrics":
                    { "width": 390, "height": 844, "pixelRatio": 1, "mobile": true } });
            }
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let url = format!("http://127.0.0.1:{port}");
        let client = timeout(PATIENCE, builder.connect(&url))
            .await?
            .context("Chromium does not start")?;
        Ok(Some(Self {
            client,
            _driver: driver,
        }))
    }

    /// Opens a page and waits until it is loaded.
    pub async fn open(&self, url: &str) -> Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// Opens a page of a file.
    pub async fn open_file(&self, file: &Path) -> Result<()> {
        let file = file.to_str().context("the path is not UTF-8")?;
        self.open(&format!("file://{file}")).await
    }

    /// What a script's `return` gives.
    pub async fn ask(&self, script: &str) -> Result<Value> {
        let asked = self.client.execute(script, Vec::new());
        asked.await.with_context(|| script.to_owned())
    }

    /// Fails unless an expression is true.
    pub async fn expect(&self, expression: &str) -> Result<()> {
        match self.ask(&format!("return {expression}")).await? {
            Value::Bool(true) => Ok(()),
            other => bail!("{expression}: {other}"),
        }
    }

    /// Waits until an expression is true.
    pub async fn wait_for(&self, expression: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            match self.expect(expression).await {
                Ok(()) => return Ok(()),
                Err(error) if start.elapsed() > PATIENCE => {
                    let text = self.ask("return document.body.innerText").await?;
                    return Err(anyhow!("waited in vain: {error:#}\nthe page: {text}"));
                }
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Types where the focus is, also keys, as WebDriver writes them.
    pub async fn type_keys(&self, keys: &str) -> Result<()> {
        let element = self.client.active_element().await?;
        Ok(element.send_keys(keys).await?)
    }

    /// Clicks as a user would: what is covered or hidden cannot be clicked.
    pub async fn click(&self, css: &str) -> Result<()> {
        let element = self.client.find(Locator::Css(css)).await?;
        element.click().await.with_context(|| css.to_owned())
    }

    /// What is to be seen, as PNG.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        Ok(self.client.screenshot().await?)
    }

    /// Ends it.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }
}

/// The port that the driver has chosen, which it says on a line.
async fn port(stdout: tokio::process::ChildStdout) -> Result<u16> {
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            // It must be able to write on.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(port.trim_end_matches('.').parse()?);
        }
    }
    bail!("chromedriver said no port")
}
