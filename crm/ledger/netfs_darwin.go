package ledger

import "syscall"

// networkFS names the network file system that dir is on, or "".
func networkFS(dir string) string {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return ""
	}
	var name []byte
	for _, c := range st.Fstypename {
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	switch s := string(name); s {
	case "nfs", "smbfs", "afpfs", "webdav", "ftp":
		return s
	}
	return ""
}
