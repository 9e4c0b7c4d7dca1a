//! `cargo xtask node-image`: the image of kind's nodes, pulled or built.

use std::time::Instant;

use anyhow::{Error, Result};
use seatrial_e2e::node_image::{NodeImage, Origin, Request, obtain};
use seatrial_e2e::signal::Signals;

use crate::process_group::Interrupted;

/// Provide the image that kind's nodes are made of: the official one, or one built here where that cannot be pulled.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask node-image                       for the default release\n  cargo xtask node-image --version 1.36\n  cargo xtask node-image --build               without asking a registry first\n  cargo xtask node-image --image mine/node:1   use this one: it is pulled if it is not here, and never built"
)]
pub(crate) struct Args {
    /// The Kubernetes release: a minor one (1.36) or an exact one (1.36.3).
    #[arg(long)]
    version: Option<String>,
    /// Another image than the official one.
    #[arg(long, conflicts_with_all = ["version", "build"])]
    image: Option<String>,
    /// Build it even where the official image could be pulled.
    #[arg(long)]
    build: bool,
}

/// Provides the image; the last line printed names it.
pub(crate) async fn node_image(args: &Args) -> Result<()> {
    let started = Instant::now();
    let mut request = Request::new(args.version.as_deref())?.build(args.build);
    if let Some(image) = &args.image {
        request = request.image(image);
    }
    let mut signals = Signals::listen()?;
    let image = tokio::select! {
        image = obtain(&request) => image?,
        // The work is dropped, and what it had begun with it.
        by = signals.next() => {
            let left = "steps that were finished are kept, nothing else is left";
            return Err(Error::from(Interrupted(by)).context(left));
        }
    };
    println!("{}", sentence(&image, started.elapsed().as_secs_f64()));
    Ok(())
}

fn sentence(image: &NodeImage, seconds: f64) -> String {
    let how = match image.origin {
        Origin::Here => "was here".to_owned(),
        Origin::Pulled => format!("pulled in {seconds:.0} s"),
        Origin::BuiltBefore => "was built before, nothing to do".to_owned(),
        Origin::Built => format!("built in {seconds:.0} s"),
    };
    let network = if image.has_network { "" } else { ", without a network of its own for Pods" };
    format!("node image: {} ({how}{network})", image.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_names_the_image_and_its_origin() {
        let image = NodeImage {
            name: "seatrial/node:v1.37.2".into(),
            id: "sha256:1".into(),
            origin: Origin::BuiltBefore,
            has_network: false,
        };
        let expected = "node image: seatrial/node:v1.37.2 (was built before, nothing to do, without a network of its own for Pods)";
        assert_eq!(sentence(&image, 1.0), expected);
    }
}
