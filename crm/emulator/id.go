package emulator

const (
	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" // in byte order, so that ids sort by age
	base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	idPod  = "Wz0" // the "instance" part of every id made here
)

// makeID builds the 18-character id number n of the object with this key prefix.
func makeID(prefix string, n uint64) string {
	b := []byte(prefix + idPod + "000000000")
	for i := len(b) - 1; i >= len(prefix)+len(idPod) && n > 0; i-- {
		b[i] = base62[n%62]
		n /= 62
	}
	return id18(string(b))
}

// id18 appends the case checksum to a 15-character id: three groups of five, bit i set when character i is A–Z.
func id18(id string) string {
	if len(id) != 15 {
		return id
	}
	sum := make([]byte, 0, 3)
	for g := 0; g < 15; g += 5 {
		bits := 0
		for i := range 5 {
			if c := id[g+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		sum = append(sum, base32[bits])
	}
	return id + string(sum)
}

// canonicalID returns the 15 significant characters of an id, or false when it is not an id at all: wrong length,
// a foreign character, or a checksum that does not fit.
func canonicalID(id string) (string, bool) {
	if len(id) != 15 && len(id) != 18 {
		return "", false
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "", false
		}
	}
	if len(id) == 18 && id18(id[:15]) != id {
		return "", false
	}
	return id[:15], true
}
