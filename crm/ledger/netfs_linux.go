package ledger

import "syscall"

// networkFS names the network file system that dir is on, or "". SQLite's WAL needs shared memory between processes and
// locks that work, neither of which these promise (sqlite.org/wal.html). FUSE and 9P cannot be told from local ones.
func networkFS(dir string) string {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return ""
	}
	return fsNames[uint32(st.Type)]
}

// Magic numbers of statfs(2), linux/magic.h.
var fsNames = map[uint32]string{
	0x6969:     "NFS",
	0x517B:     "SMB",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB2",
	0x5346414F: "AFS",
	0x6B414653: "AFS",
	0x73757245: "Coda",
	0x564C:     "NCP",
	0x00C36400: "Ceph",
	0x0BD00BD0: "Lustre",
	0x47504653: "GPFS",
}
