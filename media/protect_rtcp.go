package media

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"hash"
	"strings"
)

const (
	fullTag, shortTag = 10, 4 // octets
	rtcpIndex         = 4
	labelRTCPAuth     = 4 // RFC 3711 §4.3.2
)

// shortReports reads and writes SRTCP as Asterisk, baresip and FFmpeg do with the suites of 32-bit tags: with such a tag
// on reports too, where RFC 4568 §6.2 wants 80 bits. Without it, calls with those suites have no quality reports.
// Ours are short only towards a far end whose own are.
type shortReports struct {
	mac  hash.Hash
	mki  int
	seen bool // the far end's are short
}

// newShortReports is nil for suites whose tags are long anyway.
func newShortReports(k SRTPKey, su suite) *shortReports {
	if !strings.HasSuffix(su.name, "_32") {
		return nil
	}
	// RFC 3711 §4.3.3: the authentication key is a stretch of AES-CM keystream under the master key.
	block, err := aes.NewCipher(k.KeySalt[:su.key])
	if err != nil {
		return nil
	}
	var in, key [2 * aes.BlockSize]byte
	copy(in[:], k.KeySalt[su.key:])
	in[7] ^= labelRTCPAuth
	for i := range 2 {
		binary.BigEndian.PutUint16(in[aes.BlockSize-2:], uint16(i))
		block.Encrypt(key[i*aes.BlockSize:], in[:aes.BlockSize])
	}
	return &shortReports{mac: hmac.New(sha1.New, key[:sha1.Size]), mki: len(k.MKI)}
}

// lengthen gives a report that has a right short tag its long one, and answers nil for any other.
func (s *shortReports) lengthen(data []byte) []byte {
	signed := len(data) - shortTag - s.mki
	if signed < 8+rtcpIndex {
		return nil
	}
	s.mac.Reset()
	s.mac.Write(data[:signed])
	tag := s.mac.Sum(nil)
	if !hmac.Equal(tag[:shortTag], data[len(data)-shortTag:]) {
		return nil
	}
	return append(bytes.Clone(data[:signed+s.mki]), tag[:fullTag]...)
}
