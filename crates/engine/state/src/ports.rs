//! Published host ports. A row is in force only while its container's monitor lives; who finds a row in the way asks
//! that first.

use crate::containers::container_id;
use crate::{Reader, StateError, Writer};
use ids::ContainerId;
use network::{PortMapping, Protocol};
use rusqlite::params;
use std::net::IpAddr;

/// One published range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRow {
    /// Who publishes it.
    pub container: ContainerId,
    /// Transport.
    pub protocol: Protocol,
    /// Host address.
    pub host_ip: IpAddr,
    /// First host port.
    pub first: u16,
    /// Last host port.
    pub last: u16,
}

type Raw = (String, u8, String, u16, u16);

fn checked((container, protocol, host_ip, first, last): Raw) -> Result<PortRow, StateError> {
    let invalid = |what, text: String| StateError::Invalid { what, text };
    Ok(PortRow {
        container: container_id(container)?,
        protocol: Protocol::from_number(protocol).ok_or_else(|| invalid("protocol", protocol.to_string()))?,
        host_ip: host_ip.parse().map_err(|_| invalid("address", host_ip))?,
        first,
        last,
    })
}

impl Reader<'_> {
    /// Every published range.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn ports(&self) -> Result<Vec<PortRow>, StateError> {
        let mut statement = self
            .connection
            .prepare("SELECT container, protocol, host_ip, first, last FROM ports")
            .map_err(StateError::reading)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .map_err(StateError::reading)?;
        rows.map(|row| checked(row.map_err(StateError::reading)?)).collect()
    }
}

impl Writer<'_> {
    /// Replaces what a container publishes.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn replace_ports(&self, container: &ContainerId, ports: &[PortMapping]) -> Result<(), StateError> {
        self.connection
            .execute("DELETE FROM ports WHERE container = ?1", params![container.as_str()])
            .map_err(StateError::changing)?;
        for port in ports {
            self.connection
                .execute(
                    "INSERT OR REPLACE INTO ports (container, protocol, host_ip, first, last) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![
                        container.as_str(),
                        port.protocol.number(),
                        port.host_ip.to_string(),
                        port.host_port,
                        port.host_port_end
                    ],
                )
                .map_err(StateError::changing)?;
        }
        Ok(())
    }
}
