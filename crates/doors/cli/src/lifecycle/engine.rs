//! The engine in this process runs the containers.

use super::to_engine_create::{container_config, name, update_request};
use super::{CreateQuery, Files, Lifecycle, Process, Refusal, StartQuery, StopQuery, Stream};
use crate::failure::Failure;
use docker_model::{
    ContainerCreateRequest, ContainerCreateResponse, ContainerUpdateRequest, ContainerWaitError,
    ContainerWaitResponse, ExecCreateRequest,
};
use engine::containers::CreateError;
use engine::image::{GetError, Progress, Pulled, parse_platform};
use engine::images::ImageError;
use engine::{
    Connection, ContainerId, CreateOptions, Engine, ExecConfig, PullPolicy, RemoveOptions, RunError, Running,
    StartOptions, StopOptions, Streams, WaitCondition,
};
use ids::Reference;
use std::error::Error;

fn failed<E: Error + 'static>(error: E) -> Failure {
    Failure::of(&error)
}

fn boxed(connection: Connection) -> Box<dyn Stream> {
    Box::new(connection)
}

impl From<Running> for Process {
    fn from(running: Running) -> Self {
        Self {
            id: running.id.to_string(),
            tty: running.tty,
            stream: running.connection.map(boxed),
            warnings: running.warnings,
            auto_remove: running.auto_remove,
        }
    }
}

/// An image that is not there, or not for the platform, can be pulled.
fn refusal(error: CreateError, pull: PullPolicy) -> Refusal {
    match error {
        CreateError::Image(ImageError::Get(GetError::NotFound { .. }) | ImageError::WrongPlatform { .. })
            if pull == PullPolicy::Missing =>
        {
            Refusal::NoImage
        }
        other => Refusal::Failed(Failure::of(&other).with_code(125)),
    }
}

fn start_options(query: &StartQuery) -> StartOptions {
    StartOptions { streams: query.streams, terminal_size: query.terminal_size, engine_waits: query.wait }
}

fn stop_options(query: &StopQuery) -> StopOptions {
    StopOptions { signal: query.signal.clone(), timeout_seconds: query.timeout_seconds }
}

/// The engine pulls only when it is told to: who asks says first what is missing.
const AS_IT_IS: CreateOptions<'static> = CreateOptions { pull: PullPolicy::Never, progress: None };

impl Lifecycle for Engine {
    fn create(
        &self,
        request: &ContainerCreateRequest,
        query: &CreateQuery<'_>,
    ) -> Result<ContainerCreateResponse, Refusal> {
        let config = container_config(request, query).map_err(|error| failed(error).with_code(125))?;
        let created = Engine::create(self, config, AS_IT_IS).map_err(|error| refusal(error, query.pull))?;
        Ok(ContainerCreateResponse { id: created.id.to_string(), warnings: created.warnings })
    }

    fn run(
        &self,
        request: &ContainerCreateRequest,
        query: &CreateQuery<'_>,
        start: &StartQuery,
    ) -> Result<Process, Refusal> {
        let config = container_config(request, query).map_err(|error| failed(error).with_code(125))?;
        match Engine::run(self, config, AS_IT_IS, start_options(start)) {
            Ok(running) => Ok(running.into()),
            Err(RunError::Create(error)) => Err(refusal(error, query.pull)),
            Err(error) => {
                let code = error.exit_code();
                Err(Refusal::Failed(failed(error).with_code(code)))
            }
        }
    }

    fn pull(&self, image: &str, platform: Option<&str>, progress: &dyn Progress) -> Result<Pulled, Failure> {
        let reference = Reference::parse(image).map_err(failed)?;
        let platform = platform.map(parse_platform).transpose().map_err(failed)?;
        let always = engine::image::PullPolicy::Always;
        Engine::pull(self, &reference, platform.as_ref(), always, progress).map_err(failed)
    }

    fn start(&self, container: &str, query: &StartQuery) -> Result<Process, Failure> {
        match Engine::start(self, container, start_options(query)) {
            Ok(running) => Ok(running.into()),
            Err(error) => {
                let code = error.exit_code();
                Err(failed(error).with_code(code))
            }
        }
    }

    fn finish(&self, id: &str) -> Result<(), Failure> {
        self.reap(&ContainerId::parse(id).map_err(failed)?).map_err(failed)
    }

    fn attach(&self, container: &str, streams: Streams) -> Result<Process, Failure> {
        let attached = Engine::attach(self, container, streams).map_err(failed)?;
        Ok(Process {
            id: attached.id.to_string(),
            tty: attached.tty,
            stream: Some(boxed(attached.connection)),
            warnings: Vec::new(),
            auto_remove: false,
        })
    }

    fn exec(&self, container: &str, request: &ExecCreateRequest) -> Result<Process, Failure> {
        let config = ExecConfig {
            command: request.cmd.clone().unwrap_or_default(),
            env: request.env.clone().unwrap_or_default(),
            user: Some(request.user.clone()).filter(|user| !user.is_empty()),
            working_dir: Some(request.working_dir.clone()).filter(|path| !path.is_empty()),
            tty: request.tty,
            privileged: request.privileged,
            streams: Streams {
                stdin: request.attach_stdin,
                stdout: request.attach_stdout,
                stderr: request.attach_stderr,
            },
            terminal_size: request.console_size.map(|[rows, columns]| (rows, columns)),
        };
        match Engine::exec(self, container, &config) {
            Ok(running) => Ok(Process {
                id: running.container.to_string(),
                tty: request.tty,
                stream: Some(boxed(running.connection)),
                warnings: Vec::new(),
                auto_remove: false,
            }),
            Err(error) => {
                let code = error.exit_code();
                Err(failed(error).with_code(code))
            }
        }
    }

    fn stdio(&self, container: &str) -> Result<(bool, bool), Failure> {
        let view = self.inspect(container).map_err(failed)?;
        Ok((view.config.tty, view.config.open_stdin))
    }

    fn kill(&self, container: &str, signal: &str) -> Result<(), Failure> {
        Engine::kill(self, container, signal).map_err(failed)
    }

    fn stop(&self, container: &str, query: &StopQuery) -> Result<(), Failure> {
        Engine::stop(self, container, &stop_options(query)).map_err(failed)
    }

    fn restart(&self, container: &str, query: &StopQuery) -> Result<(), Failure> {
        Engine::restart(self, container, &stop_options(query)).map_err(failed)
    }

    fn wait(&self, container: &str) -> Result<ContainerWaitResponse, Failure> {
        let outcome = Engine::wait(self, container, WaitCondition::NotRunning).map_err(failed)?;
        let error = (!outcome.error.is_empty()).then_some(ContainerWaitError { message: outcome.error });
        Ok(ContainerWaitResponse { status_code: outcome.exit_code.into(), error })
    }

    fn remove(&self, container: &str, force: bool, volumes: bool) -> Result<(), Failure> {
        Engine::remove(self, container, RemoveOptions { force, volumes }).map_err(failed)
    }

    fn pause(&self, container: &str) -> Result<(), Failure> {
        Engine::pause(self, container).map_err(failed)
    }

    fn unpause(&self, container: &str) -> Result<(), Failure> {
        Engine::unpause(self, container).map_err(failed)
    }

    fn rename(&self, container: &str, to: &str) -> Result<(), Failure> {
        Engine::rename(self, container, &name(to).map_err(failed)?).map_err(failed)
    }

    fn update(&self, container: &str, request: &ContainerUpdateRequest) -> Result<Vec<String>, Failure> {
        Engine::update(self, container, &update_request(request).map_err(failed)?).map_err(failed)
    }

    fn files(&self, container: &str) -> Result<Box<dyn Files + '_>, Failure> {
        Ok(Box::new(self.container_files(container).map_err(failed)?))
    }
}
