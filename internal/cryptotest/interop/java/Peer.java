import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.bouncycastle.asn1.ASN1InputStream;

/**
 * Bouncy Castle as a peer of the interoperability matrix. One process answers many commands: each line of standard
 * input is "FOLDER TAB COMMAND TAB ARGUMENT...", each line of standard output is "ok TEXT" or "error TEXT".
 * File names are relative to FOLDER.
 */
final class Peer {
    /** A command: it throws what it refuses and returns a few words on what it did. */
    interface Command {
        String run(Arguments a) throws Exception;
    }

    private static final Map<String, Command> COMMANDS = new TreeMap<>();

    static {
        COMMANDS.put("version", a -> Keys.version() + "\tJava " + Runtime.version());
        COMMANDS.put("make-chain", Certificates::makeChain);
        COMMANDS.put("verify-chain", Certificates::verifyChain);
        COMMANDS.put("make-request", Certificates::makeRequest);
        COMMANDS.put("verify-request", Certificates::verifyRequest);
        COMMANDS.put("make-crl", Certificates::makeCRL);
        COMMANDS.put("verify-crl", Certificates::verifyCRL);
        COMMANDS.put("make-ocsp", Responses::make);
        COMMANDS.put("verify-ocsp", Responses::verify);
        COMMANDS.put("ocsp-status", Responses::status);
        COMMANDS.put("list-status", Certificates::listStatus);
        COMMANDS.put("read-key", Passwords::readKey);
        COMMANDS.put("encrypt-key", Passwords::encryptKey);
        COMMANDS.put("make-pfx", Passwords::makePFX);
        COMMANDS.put("read-pfx", Passwords::readPFX);
        COMMANDS.put("sign", Messages::sign);
        COMMANDS.put("verify-message", Messages::verify);
        COMMANDS.put("verify-stamps", Stamps::verify);
        COMMANDS.put("add-stamp", Stamps::add);
        COMMANDS.put("verify-stamp", Authority::verifyOf);
        COMMANDS.put("request-stamp", Authority::request);
        COMMANDS.put("answer-stamp", Authority::answer);
        COMMANDS.put("verify-response", Authority::verify);
    }

    private Peer() {}

    /** The arguments of one command, taken in order. */
    static final class Arguments {
        private final String[] fields;
        private int next;

        Arguments(String[] fields, int first) {
            this.fields = fields;
            this.next = first;
        }

        boolean more() {
            return next < fields.length;
        }

        String text() {
            if (!more()) {
                throw new IllegalArgumentException("an argument is missing");
            }
            return fields[next++];
        }

        Path file() {
            return Path.of(fields[0]).resolve(text());
        }

        /** Reads a file that must hold one DER object and nothing behind it. */
        byte[] der() throws IOException {
            byte[] b = Files.readAllBytes(file());
            try (ASN1InputStream in = new ASN1InputStream(b)) {
                if (in.readObject() == null || in.read() != -1) {
                    throw new IOException("not one ASN.1 object");
                }
            }
            return b;
        }

        byte[] bytes() throws IOException {
            return Files.readAllBytes(file());
        }
    }

    private static String answer(String line) {
        String[] fields = line.split("\t");
        try {
            Command c = fields.length < 2 ? null : COMMANDS.get(fields[1]);
            if (c == null) {
                throw new IllegalArgumentException("no such command");
            }
            return "ok " + c.run(new Arguments(fields, 2));
        } catch (Exception e) {
            return "error " + cause(e).replaceAll("\\s+", " ");
        }
    }

    /** The innermost message: what was refused, without the layers that passed it on. */
    private static String cause(Throwable e) {
        while (e.getCause() != null && e.getCause() != e) {
            e = e.getCause();
        }
        return e.getClass().getSimpleName() + ": " + e.getMessage();
    }

    public static void main(String[] args) throws IOException {
        Keys.register();
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(answer(line));
        }
    }
}
