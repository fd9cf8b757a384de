//! Containers from birth to removal, through the real monitor on the real kernel. Needs root.

mod place;

use engine::model::{ContainerConfig, NetworkChoice};
use engine::{
    CreateOptions, Frame, ListFilter, RemoveOptions, StartOptions, State, StopOptions, StreamEvent, Streams,
    WaitCondition,
};
use place::Place;

fn config(command: &[&str]) -> ContainerConfig {
    ContainerConfig {
        image: "localhost/sampan-demo".into(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        entrypoint: Some(Vec::new()),
        network: NetworkChoice::None,
        ..ContainerConfig::default()
    }
}

/// Runs in the foreground: exit code and output.
fn run(place: &Place, config: ContainerConfig) -> (i32, String) {
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    let start = StartOptions { streams, terminal_size: None, engine_waits: true };
    let running = place.engine.run(config, CreateOptions::default(), start).unwrap();
    let mut buffer = vec![0; engine::FRAME_MAX + 1];
    let (mut output, mut code) = (Vec::new(), -1);
    loop {
        match running.connection.as_ref().unwrap().next_frame(&mut buffer).unwrap() {
            StreamEvent::Frame(Frame::Stdout | Frame::Stderr, bytes) => output.extend_from_slice(bytes),
            StreamEvent::Frame(Frame::Exit, bytes) => {
                let exited: engine::Exited = serde_json::from_slice(bytes).unwrap();
                code = exited.exit_code;
            }
            StreamEvent::Frame(Frame::Released, _) | StreamEvent::Closed => break,
            StreamEvent::Frame(..) => {}
        }
    }
    place.engine.finish(&running).unwrap();
    (code, String::from_utf8(output).unwrap())
}

#[test]
fn run_rm_leaves_nothing() {
    let Some(place) = Place::new() else { return };
    let config = ContainerConfig { auto_remove: true, ..config(&["/bin/echo", "hello"]) };
    assert_eq!(run(&place, config), (0, "hello\n".to_owned()));
    assert_eq!(place.engine.list(ListFilter { all: true }).unwrap().len(), 0);
    place.assert_empty();
}

#[test]
fn a_whole_life() {
    let Some(place) = Place::new() else { return };
    let engine = &place.engine;
    let mut asked = config(&["/bin/sleep", "1000"]);
    asked.name = Some("sleeper".parse().unwrap());
    let created = engine.create(asked, CreateOptions::default()).unwrap();
    assert_eq!(engine.inspect("sleeper").unwrap().state, State::Created);
    engine.start(created.id.short(), StartOptions::default()).unwrap();
    let view = engine.inspect("/sleeper").unwrap();
    assert_eq!(view.state, State::Running);
    assert_eq!(engine.list(ListFilter::default()).unwrap().len(), 1);
    assert!(engine.remove("sleeper", RemoveOptions::default()).is_err());
    let options = StopOptions { signal: Some("KILL".into()), timeout_seconds: None };
    engine.stop("sleeper", &options).unwrap();
    let outcome = engine.wait("sleeper", WaitCondition::NotRunning).unwrap();
    assert_eq!(outcome.exit_code, 137);
    assert_eq!(engine.inspect("sleeper").unwrap().state, State::Exited);
    engine.start("sleeper", StartOptions::default()).unwrap();
    engine.remove("sleeper", RemoveOptions { force: true, volumes: true }).unwrap();
    place.assert_empty();
}

#[test]
fn exit_codes_of_commands_that_cannot_be_run() {
    let Some(place) = Place::new() else { return };
    for (command, code) in [("/bin/nothing", 127), ("/etc", 126)] {
        let error = place
            .engine
            .run(
                ContainerConfig { auto_remove: true, ..config(&[command]) },
                CreateOptions::default(),
                StartOptions::default(),
            )
            .unwrap_err();
        assert_eq!(error.exit_code(), code, "{error}");
    }
    place.assert_empty();
}
