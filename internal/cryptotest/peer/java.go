package peer

import (
	"os"
	"path/filepath"
	"testing"
)

// JarDir is where Debian's packages of Bouncy Castle put their jars.
const JarDir = "/usr/share/java"

// NeedBouncyCastle skips the test where a JDK or Bouncy Castle is missing, and
// fails it where CI=true.
func NeedBouncyCastle(t testing.TB) {
	t.Helper()
	need(t, "javac", "default-jdk-headless")
	for jar, debianPackage := range map[string]string{"bcprov": "libbcprov-java", "bcpkix": "libbcpkix-java", "bcutil": "libbcutil-java"} {
		if _, err := os.Stat(filepath.Join(JarDir, jar+".jar")); err != nil {
			missing(t, jar+".jar", debianPackage)
		}
	}
}
