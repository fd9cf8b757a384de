//! The OCI command line as a program of its own, for comparing it with other runtimes.

fn main() {
    std::process::exit(oci_cli::main(std::env::args_os().skip(1)));
}
