//! Headless Chromium, controlled with the `DevTools` protocol over a pipe.
//!
//! Errors on the console, exceptions and requests are recorded.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The names of its program.
const PROGRAM_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The timeout of the start and of each response.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Command-line flags, among them those that disable network requests of the browser itself.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];

/// A running browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    sent: u64,
    loaded: bool,
    errors: Vec<String>,
    requests: Vec<String>,
    _profile: TempDir,
}

/// The browser's program, if there is one: `CHROMIUM`, or what is on the `PATH`.
pub(crate) fn find() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| PROGRAM_NAMES.iter().find_map(|name| which::which(name).ok()))
}

impl Browser {
    /// Starts the browser with a temporary profile.
    pub(crate) async fn start(program: &Path) -> Result<Self> {
        let profile = tempfile::tempdir().context("no folder for the browser's profile")?;
        // The browser reads from descriptor 3 and writes to 4.
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#]).arg(program).args(FLAGS);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().context("failed to start the browser")?;
        let to = child.stdin.take().context("the browser's input was asked for")?;
        let from = BufReader::new(child.stdout.take().context("the browser's output was asked for")?);
        let (errors, requests) = (Vec::new(), Vec::new());
        let mut browser = Self {
            child,
            to,
            from,
            session: None,
            sent: 0,
            loaded: false,
            errors,
            requests,
            _profile: profile,
        };
        browser.attach().await?;
        Ok(browser)
    }

    async fn attach(&mut self) -> Result<()> {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"})).await?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call("Target.attachToTarget", attach).await?;
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({})).await?;
        }
        Ok(())
    }

    /// Calls a method and waits for its result.
    pub(crate) async fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        let answer = tokio::time::timeout(TIMEOUT, self.request(method, parameters)).await;
        answer.with_context(|| format!("the browser gave no answer to {method} within {TIMEOUT:?}"))?
    }

    async fn request(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.sent += 1;
        let mut request = json!({"id": self.sent, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            request["sessionId"] = session.as_str().into();
        }
        let mut bytes = serde_json::to_vec(&request)?;
        bytes.push(0);
        self.to.write_all(&bytes).await.context("the browser does not listen any more")?;
        loop {
            let message = self.receive().await?;
            if message["id"] == self.sent {
                if let Some(error) = message.get("error") {
                    bail!("{method}: {}", error["message"].as_str().unwrap_or("an error without words"));
                }
                return Ok(message["result"].clone());
            }
        }
    }

    /// Receives the next message, and records events.
    async fn receive(&mut self) -> Result<Value> {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).await.context("the browser cannot be heard")?;
        if bytes.pop().is_none() {
            bail!("the browser ended: {:?}", self.child.wait().await);
        }
        let message: Value = serde_json::from_slice(&bytes)?;
        let parameters = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => {
                self.errors.push(exception(&parameters["exceptionDetails"]));
            }
            Some("Runtime.consoleAPICalled") if parameters["type"] == "error" => {
                self.errors.push(parameters["args"].to_string());
            }
            Some("Log.entryAdded") if parameters["entry"]["level"] == "error" => {
                self.errors.push(parameters["entry"]["text"].to_string());
            }
            Some("Page.loadEventFired") => self.loaded = true,
            Some("Network.requestWillBeSent") => {
                self.requests.extend(parameters["request"]["url"].as_str().map(str::to_owned));
            }
            _ => {}
        }
        Ok(message)
    }

    /// Opens a URL with a full load, also if only its fragment differs.
    pub(crate) async fn open(&mut self, url: &str) -> Result<()> {
        for url in ["about:blank", url] {
            self.loaded = false;
            let opened = self.call("Page.navigate", json!({"url": url})).await?;
            if let Some(error) = opened["errorText"].as_str() {
                bail!("{url} cannot be opened: {error}");
            }
            while !self.loaded {
                let message = tokio::time::timeout(TIMEOUT, self.receive()).await;
                message.with_context(|| format!("{url} was not loaded within {TIMEOUT:?}"))??;
            }
        }
        Ok(())
    }

    /// Evaluates an expression in the page and awaits its promise.
    pub(crate) async fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let ask = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", ask).await?;
        match answer.get("exceptionDetails") {
            Some(details) => bail!("{expression}: {}", exception(details)),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Sets the size of the window and the color scheme.
    pub(crate) async fn set_viewport(&mut self, (width, height): (u32, u32), dark: bool) -> Result<()> {
        let mobile = width < 600;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.call("Emulation.setDeviceMetricsOverride", metrics).await?;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", features).await.map(drop)
    }

    /// Saves a screenshot as PNG.
    pub(crate) async fn screenshot(&mut self, file: &Path) -> Result<()> {
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"})).await?;
        let bytes = STANDARD.decode(taken["data"].as_str().context("a picture has data")?)?;
        std::fs::write(file, bytes).with_context(|| format!("failed to write {}", file.display()))
    }

    /// Errors and exceptions since the start.
    pub(crate) fn errors(&self) -> &[String] {
        &self.errors
    }

    /// All requested URLs since the start.
    pub(crate) fn requests(&self) -> &[String] {
        &self.requests
    }

    /// Ends the browser and waits for it.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.session = None;
        // The browser may end before it responds.
        drop(self.call("Browser.close", json!({})).await);
        match tokio::time::timeout(TIMEOUT, self.child.wait()).await {
            Ok(ended) => ended.map(drop).context("failed to wait for the browser"),
            Err(_) => self.child.kill().await.context("failed to end the browser"),
        }
    }
}

fn exception(details: &Value) -> String {
    let description = details["exception"]["description"].as_str().or(details["text"].as_str());
    description.unwrap_or("an exception without words").to_owned()
}
