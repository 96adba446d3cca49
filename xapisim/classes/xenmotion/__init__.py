"""Storage XenMotion: a VM moves with its disks, inside its pool or to another one."""
