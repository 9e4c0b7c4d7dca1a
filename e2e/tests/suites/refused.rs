//! A suite that cannot be run: two of its specs have one name.

use seatrial_e2e::{Cx, Suite};

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Machine", |s| {
        s.it("starts", async |_: &mut Cx| Ok(()));
        s.it("starts", async |_: &mut Cx| Ok(()));
    });
}
