package opus

// Samples is the length of a packet's sound at 16 kHz, read from its first octets (RFC 6716 §3.1): 40 to 1920. It
// refuses what no packet may be, without the codec.
func Samples(packet []byte) (int, error) {
	if len(packet) == 0 {
		return 0, ErrPacket
	}
	toc := packet[0]
	var frame int // samples at 48 kHz
	switch config := toc >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		frame = 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 120 << (config & 3)
	}
	frames := 1
	switch toc & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0, ErrPacket
		}
		frames = int(packet[1] & 0x3f)
	}
	if frames == 0 || frames*frame > 5760 { // 120 ms (R5)
		return 0, ErrPacket
	}
	return frames * frame / 3, nil
}

// Silent tells that a packet holds no speech: the far end pauses, and sends little or nothing until it speaks again
// (DTX, RFC 6716 §2.1.9).
func Silent(packet []byte) bool { return len(packet) <= 2 }
