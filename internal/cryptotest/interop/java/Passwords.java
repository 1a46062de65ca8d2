import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DERBMPString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.cryptopro.CryptoProObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.EncryptionScheme;
import org.bouncycastle.asn1.pkcs.KeyDerivationFunc;
import org.bouncycastle.asn1.pkcs.PBES2Parameters;
import org.bouncycastle.asn1.pkcs.PBKDF2Params;
import org.bouncycastle.asn1.pkcs.PKCS12PBEParams;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.Pfx;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.rosstandart.RosstandartObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.crypto.Digest;
import org.bouncycastle.crypto.StreamCipher;
import org.bouncycastle.crypto.digests.GOST3411_2012_256Digest;
import org.bouncycastle.crypto.digests.GOST3411_2012_512Digest;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.engines.GOST28147Engine;
import org.bouncycastle.crypto.generators.PKCS5S2ParametersGenerator;
import org.bouncycastle.crypto.io.CipherInputStream;
import org.bouncycastle.crypto.io.CipherOutputStream;
import org.bouncycastle.crypto.io.MacOutputStream;
import org.bouncycastle.crypto.macs.HMac;
import org.bouncycastle.crypto.modes.GCFBBlockCipher;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;
import org.bouncycastle.crypto.params.ParametersWithSBox;
import org.bouncycastle.operator.GenericKey;
import org.bouncycastle.operator.InputDecryptor;
import org.bouncycastle.operator.InputDecryptorProvider;
import org.bouncycastle.operator.MacCalculator;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.pkcs.PKCS12MacCalculatorBuilder;
import org.bouncycastle.pkcs.PKCS12PfxPdu;
import org.bouncycastle.pkcs.PKCS12PfxPduBuilder;
import org.bouncycastle.pkcs.PKCS12SafeBag;
import org.bouncycastle.pkcs.PKCS12SafeBagBuilder;
import org.bouncycastle.pkcs.PKCS12SafeBagFactory;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfoBuilder;
import org.bouncycastle.util.Arrays;

/**
 * Keys under a password. Bouncy Castle 1.72 knows Streebog neither as the PRF of PBES2 nor as the digest of a PFX's
 * MAC, so RFC 9337 and RFC 9548 are put together here from its primitives; the PKCS #8 and PKCS #12 structures are
 * read and written by its own classes.
 */
final class Passwords {
    private static final int ITERATIONS = 2000;
    private static final ASN1ObjectIdentifier HMAC_512 = new ASN1ObjectIdentifier("1.2.643.7.1.1.4.2");
    private static final ASN1ObjectIdentifier SBOX_Z = new ASN1ObjectIdentifier("1.2.643.7.1.2.5.1.1");
    private static final Map<String, String> SBOXES = Map.of(SBOX_Z.getId(), "Param-Z", "1.2.643.2.2.31.1", "E-A");

    private Passwords() {}

    private static Digest prf(ASN1ObjectIdentifier id) throws IOException {
        return switch (id.getId()) {
            case "1.2.643.7.1.1.4.1", "1.2.643.7.1.1.2.2" -> new GOST3411_2012_256Digest();
            case "1.2.643.7.1.1.4.2", "1.2.643.7.1.1.2.3" -> new GOST3411_2012_512Digest();
            case "1.2.840.113549.2.9" -> new SHA256Digest();
            default -> throw new IOException("unknown digest or PRF " + id);
        };
    }

    private static byte[] pbkdf2(Digest d, char[] password, byte[] salt, int iterations, int size) {
        var g = new PKCS5S2ParametersGenerator(d);
        g.init(new String(password).getBytes(StandardCharsets.UTF_8), salt, iterations);
        return ((KeyParameter) g.generateDerivedParameters(8 * size)).getKey();
    }

    /** RFC 9337, section 7.1: PBKDF2, then GOST 28147-89 in CFB mode with CryptoPro key meshing. */
    private static StreamCipher cipher(boolean encrypt, AlgorithmIdentifier a, char[] password) throws IOException {
        PBES2Parameters p = PBES2Parameters.getInstance(a.getParameters());
        PBKDF2Params k = PBKDF2Params.getInstance(p.getKeyDerivationFunc().getParameters());
        if (!CryptoProObjectIdentifiers.gostR28147_gcfb.equals(p.getEncryptionScheme().getAlgorithm())) {
            throw new IOException("unknown cipher " + p.getEncryptionScheme().getAlgorithm());
        }
        ASN1Sequence g = ASN1Sequence.getInstance(p.getEncryptionScheme().getParameters());
        String sbox = SBOXES.get(g.getObjectAt(1).toString());
        byte[] key = pbkdf2(prf(k.getPrf().getAlgorithm()), password, k.getSalt(), k.getIterationCount().intValueExact(), 32);
        var c = new GCFBBlockCipher(new GOST28147Engine());
        c.init(encrypt, new ParametersWithIV(new ParametersWithSBox(new KeyParameter(key), GOST28147Engine.getSBox(sbox)),
                ASN1OctetString.getInstance(g.getObjectAt(0)).getOctets()));
        return c;
    }

    private static InputDecryptorProvider decryptor(char[] password) {
        return a -> new InputDecryptor() {
            @Override
            public AlgorithmIdentifier getAlgorithmIdentifier() {
                return a;
            }

            @Override
            public InputStream getInputStream(InputStream in) {
                try {
                    return new CipherInputStream(in, cipher(false, a, password));
                } catch (IOException e) {
                    throw new IllegalArgumentException(e);
                }
            }
        };
    }

    private static byte[] random(int size) {
        byte[] b = new byte[size];
        new SecureRandom().nextBytes(b);
        return b;
    }

    private static OutputEncryptor encryptor(char[] password) {
        var gost = new ASN1EncodableVector();
        gost.add(new DEROctetString(random(8)));
        gost.add(SBOX_Z);
        var derivation = new PBKDF2Params(random(32), ITERATIONS, new AlgorithmIdentifier(HMAC_512));
        var a = new AlgorithmIdentifier(PKCSObjectIdentifiers.id_PBES2, new PBES2Parameters(
                new KeyDerivationFunc(PKCSObjectIdentifiers.id_PBKDF2, derivation),
                new EncryptionScheme(CryptoProObjectIdentifiers.gostR28147_gcfb, new DERSequence(gost))));
        return new OutputEncryptor() {
            @Override
            public AlgorithmIdentifier getAlgorithmIdentifier() {
                return a;
            }

            @Override
            public OutputStream getOutputStream(OutputStream out) {
                try {
                    return new CipherOutputStream(out, cipher(true, a, password));
                } catch (IOException e) {
                    throw new IllegalArgumentException(e);
                }
            }

            @Override
            public GenericKey getKey() {
                throw new UnsupportedOperationException("the key is derived inside");
            }
        };
    }

    /** RFC 9548, section 3: the MAC key is the last 32 of 96 octets of PBKDF2. */
    private static PKCS12MacCalculatorBuilder mac(AlgorithmIdentifier digest, PKCS12PBEParams p) {
        return new PKCS12MacCalculatorBuilder() {
            @Override
            public AlgorithmIdentifier getDigestAlgorithmIdentifier() {
                return digest;
            }

            @Override
            public MacCalculator build(char[] password) {
                try {
                    Digest d = prf(digest.getAlgorithm());
                    byte[] k = pbkdf2(d, password, p.getIV(), p.getIterations().intValueExact(), 96);
                    var h = new HMac(prf(digest.getAlgorithm()));
                    h.init(new KeyParameter(Arrays.copyOfRange(k, 64, 96)));
                    return new Mac(h, new AlgorithmIdentifier(digest.getAlgorithm(), p));
                } catch (IOException e) {
                    throw new IllegalArgumentException(e);
                }
            }
        };
    }

    /** An HMAC in the form that the PKCS #12 classes ask for. */
    private record Mac(HMac h, AlgorithmIdentifier algorithm) implements MacCalculator {
        @Override
        public AlgorithmIdentifier getAlgorithmIdentifier() {
            return algorithm;
        }

        @Override
        public OutputStream getOutputStream() {
            return new MacOutputStream(h);
        }

        @Override
        public byte[] getMac() {
            byte[] out = new byte[h.getMacSize()];
            h.doFinal(out, 0);
            return out;
        }

        @Override
        public GenericKey getKey() {
            throw new UnsupportedOperationException("the key is derived inside");
        }
    }

    /** read-key FILE CERT [PASSWORD]: the key must belong to the certificate. */
    static String readKey(Peer.Arguments a) throws Exception {
        byte[] der = a.der();
        X509CertificateHolder c = Certificates.read(a);
        PrivateKeyInfo k = a.more() ? new PKCS8EncryptedPrivateKeyInfo(der).decryptPrivateKeyInfo(decryptor(a.text().toCharArray()))
                : PrivateKeyInfo.getInstance(der);
        Keys.mustMatch(Keys.read(k), c.getSubjectPublicKeyInfo());
        return "key";
    }

    /** encrypt-key KEY OUT PASSWORD */
    static String encryptKey(Peer.Arguments a) throws Exception {
        var b = new PKCS8EncryptedPrivateKeyInfoBuilder(PrivateKeyInfo.getInstance(a.der()));
        Path out = a.file();
        Files.write(out, b.build(encryptor(a.text().toCharArray())).getEncoded());
        return "key";
    }

    /** make-pfx KEY CERT CA-CERT OUT PASSWORD */
    static String makePFX(Peer.Arguments a) throws Exception {
        PrivateKeyInfo k = PrivateKeyInfo.getInstance(a.der());
        X509CertificateHolder leaf = Certificates.read(a);
        X509CertificateHolder sub = Certificates.read(a);
        Path out = a.file();
        char[] password = a.text().toCharArray();
        var id = new DEROctetString(new byte[] {1});
        var key = new PKCS12SafeBagBuilder(k, encryptor(password));
        key.addBagAttribute(PKCSObjectIdentifiers.pkcs_9_at_friendlyName, new DERBMPString("Ключ"));
        key.addBagAttribute(PKCSObjectIdentifiers.pkcs_9_at_localKeyId, id);
        var cert = new PKCS12SafeBagBuilder(leaf);
        cert.addBagAttribute(PKCSObjectIdentifiers.pkcs_9_at_localKeyId, id);
        var b = new PKCS12PfxPduBuilder();
        b.addEncryptedData(encryptor(password), new PKCS12SafeBag[] {cert.build(), new PKCS12SafeBagBuilder(sub).build()});
        b.addData(key.build());
        var digest = new AlgorithmIdentifier(RosstandartObjectIdentifiers.id_tc26_gost_3411_12_512);
        var pfx = b.build(mac(digest, new PKCS12PBEParams(random(32), ITERATIONS)), password);
        Files.write(out, pfx.getEncoded());
        return "PFX";
    }

    /** read-pfx FILE CERT PASSWORD: the MAC holds, and the certificate and its key are inside. */
    static String readPFX(Peer.Arguments a) throws Exception {
        byte[] der = a.der();
        X509CertificateHolder c = Certificates.read(a);
        char[] password = a.text().toCharArray();
        var pfx = new PKCS12PfxPdu(der);
        AlgorithmIdentifier digest = Pfx.getInstance(der).getMacData().getMac().getAlgorithmId();
        if (!pfx.isMacValid(m -> mac(digest, PKCS12PBEParams.getInstance(m.getParameters())), password)) {
            throw new GeneralSecurityException("the MAC is wrong");
        }
        List<Object> inside = new ArrayList<>();
        for (var info : pfx.getContentInfos()) {
            boolean plain = PKCSObjectIdentifiers.data.equals(info.getContentType());
            var bags = plain ? new PKCS12SafeBagFactory(info) : new PKCS12SafeBagFactory(info, decryptor(password));
            for (PKCS12SafeBag bag : bags.getSafeBags()) {
                inside.add(bag.getBagValue());
            }
        }
        check(inside, c, password);
        return "PFX";
    }

    private static void check(List<Object> inside, X509CertificateHolder c, char[] password) throws Exception {
        if (!inside.contains(c)) {
            throw new GeneralSecurityException("the certificate is not inside");
        }
        for (Object o : inside) {
            if (o instanceof PKCS8EncryptedPrivateKeyInfo e) {
                Keys.mustMatch(Keys.read(e.decryptPrivateKeyInfo(decryptor(password))), c.getSubjectPublicKeyInfo());
                return;
            }
        }
        throw new GeneralSecurityException("no key is inside");
    }
}
