//! An image that only this machine has, brought into all nodes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use seatrial_e2e::kind::{KindError, KindExt as _};
use seatrial_e2e::matchers::{equal, satisfy};
use seatrial_e2e::{Cx, Failure, Scope, SpecResult, docker};

pub(crate) fn specs(s: &mut Scope) {
    s.it("finds it on every node once it was loaded", async |cx: &mut Cx| {
        let image = format!("seatrial.test/loaded:{}", cx.namespace());
        import(cx, &image)?;
        cx.kind()?.load_image(&image).await?;
        for node in cx.kind()?.nodes().await? {
            let listed = node.exec(&["ctr", "--namespace=k8s.io", "images", "list", "--quiet"]).await?;
            cx.expect(listed.stdout.lines().filter(|line| *line == image).count()).to(equal(1))?;
        }
        Ok(())
    });
    s.it("is told which image is missing before anything is copied", async |cx: &mut Cx| {
        let loaded = cx.kind()?.load_image("seatrial.test/nowhere:1").await;
        let told = |result: &Result<(), KindError>| {
            result
                .as_ref()
                .is_err_and(|error| error.to_string().starts_with("the image seatrial.test/nowhere:1"))
        };
        cx.expect(loaded).to(satisfy("name the image", told))
    });
}

/// Docker's client, for the daemon that the clusters are in.
fn docker_client() -> Command {
    let mut client = Command::new("docker");
    client.env("DOCKER_HOST", docker::host());
    client
}

/// Makes an image of one file in this machine's Docker.
fn import(cx: &Cx, image: &str) -> SpecResult {
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, "hello", &b"hello"[..])?;
    let mut docker = docker_client();
    docker.args(["import", "-", image]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = docker.spawn()?;
    child.stdin.take().expect("its input was asked for").write_all(&archive.into_inner()?)?;
    let status = child.wait()?;
    if !status.success() {
        return Err(Failure::new(format!("docker import ended with {status}")));
    }
    let name = image.to_owned();
    cx.defer(async move |_: &mut Cx| {
        docker_client().args(["rmi", "--force", &name]).stdout(Stdio::null()).status()?;
        Ok(())
    });
    Ok(())
}
