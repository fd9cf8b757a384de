//! Makes the images that the suite tests with, before any test runs: one of them comes over the network.

use std::time::Instant;
use tests::fixture;

fn main() {
    let started = Instant::now();
    let makers =
        [fixture::busybox_root, fixture::busybox_layout, fixture::busybox_archive, fixture::make_debian_root];
    for make in makers {
        let path = make();
        println!("{:>8.1} s  {}", started.elapsed().as_secs_f64(), path.display());
    }
}
