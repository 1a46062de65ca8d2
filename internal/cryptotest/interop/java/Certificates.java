import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SignatureException;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLNumber;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CRLEntryHolder;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;

/** Certificates, requests and revocation lists. */
final class Certificates {
    private static final int CA_USAGE = KeyUsage.keyCertSign | KeyUsage.cRLSign;
    private static final int SIGNER_USAGE = KeyUsage.digitalSignature | KeyUsage.nonRepudiation;

    private Certificates() {}

    /** What distinguishes one certificate of the chain from another. */
    private record Extra(ASN1ObjectIdentifier id, boolean critical, ASN1Encodable value) {}

    static X509CertificateHolder read(Peer.Arguments a) throws Exception {
        return new X509CertificateHolder(a.der());
    }

    static Keys.Pair readKey(Peer.Arguments a) throws Exception {
        return Keys.read(PrivateKeyInfo.getInstance(a.der()));
    }

    private static Date inDays(int days) {
        return Date.from(Instant.now().plus(Duration.ofDays(days)));
    }

    private static X509CertificateHolder issue(String issuer, Keys.Pair issuerKey, String subject, Keys.Pair key, int serial,
            Extra... extras) throws Exception {
        var b = new X509v3CertificateBuilder(new X500Name(issuer), BigInteger.valueOf(serial), inDays(-1), inDays(365),
                new X500Name(subject), key.open());
        var ids = new JcaX509ExtensionUtils();
        b.addExtension(Extension.subjectKeyIdentifier, false, ids.createSubjectKeyIdentifier(key.open()));
        b.addExtension(Extension.authorityKeyIdentifier, false, ids.createAuthorityKeyIdentifier(issuerKey.open()));
        for (Extra e : extras) {
            b.addExtension(e.id(), e.critical(), e.value());
        }
        return b.build(Keys.signer(issuerKey));
    }

    private static Extra usage(int bits) {
        return new Extra(Extension.keyUsage, true, new KeyUsage(bits));
    }

    /** make-chain SET FOLDER: root, sub, leaf, leaf2, ocsp and tsa, each NAME.cer with its key NAME.p8. */
    static String makeChain(Peer.Arguments a) throws Exception {
        String set = a.text();
        Path dir = a.file();
        var root = Keys.generate(set);
        var sub = Keys.generate(set);
        var ca = new Extra(Extension.basicConstraints, true, new BasicConstraints(true));
        var leafCA = new Extra(Extension.basicConstraints, true, new BasicConstraints(0));
        var responder = new Extra(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_OCSPSigning));
        var stamper = new Extra(Extension.extendedKeyUsage, true, new ExtendedKeyUsage(KeyPurposeId.id_kp_timeStamping));
        var noCheck = new Extra(OCSPObjectIdentifiers.id_pkix_ocsp_nocheck, false, DERNull.INSTANCE);
        String rootName = "CN=Peer root,C=RU";
        String subName = "CN=Peer CA,C=RU";
        save(dir, "root", root, issue(rootName, root, rootName, root, 1, ca, usage(CA_USAGE)));
        save(dir, "sub", sub, issue(rootName, root, subName, sub, 2, leafCA, usage(CA_USAGE)));
        var key = Keys.generate(set);
        save(dir, "leaf", key, issue(subName, sub, "CN=Peer leaf,C=RU", key, 3, usage(SIGNER_USAGE)));
        key = Keys.generate(set);
        save(dir, "leaf2", key, issue(subName, sub, "CN=Peer second leaf,C=RU", key, 4, usage(SIGNER_USAGE)));
        key = Keys.generate(set);
        save(dir, "ocsp", key, issue(subName, sub, "CN=Peer OCSP,C=RU", key, 5, usage(KeyUsage.digitalSignature), responder, noCheck));
        key = Keys.generate(set);
        save(dir, "tsa", key, issue(subName, sub, "CN=Peer TSA,C=RU", key, 6, usage(KeyUsage.digitalSignature), stamper));
        return "chain";
    }

    private static void save(Path dir, String name, Keys.Pair k, X509CertificateHolder c) throws Exception {
        Files.createDirectories(dir);
        Files.write(dir.resolve(name + ".p8"), k.secret().getEncoded());
        Files.write(dir.resolve(name + ".cer"), c.getEncoded());
    }

    static X509Certificate jca(X509CertificateHolder c) throws Exception {
        return new JcaX509CertificateConverter().setProvider(Keys.PROVIDER).getCertificate(c);
    }

    static ContentVerifierProvider verifier(X509CertificateHolder c) throws Exception {
        return new JcaContentVerifierProviderBuilder().setProvider(Keys.PROVIDER).build(jca(c));
    }

    /** verify-chain ROOT SUB LEAF: the provider's own PKIX path builder. */
    static String verifyChain(Peer.Arguments a) throws Exception {
        X509CertificateHolder root = read(a);
        X509CertificateHolder sub = read(a);
        path(root, sub, read(a));
        return "chain";
    }

    static void path(X509CertificateHolder root, X509CertificateHolder sub, X509CertificateHolder leaf) throws Exception {
        var target = new X509CertSelector();
        target.setCertificate(jca(leaf));
        var p = new PKIXBuilderParameters(Set.of(new TrustAnchor(jca(root), null)), target);
        p.setRevocationEnabled(false);
        var known = new CollectionCertStoreParameters(List.of(jca(sub), jca(leaf)));
        p.addCertStore(CertStore.getInstance("Collection", known, Keys.PROVIDER));
        CertPathBuilder.getInstance("PKIX", Keys.PROVIDER).build(p);
    }

    /** make-request KEY OUT */
    static String makeRequest(Peer.Arguments a) throws Exception {
        Keys.Pair k = readKey(a);
        var b = new PKCS10CertificationRequestBuilder(new X500Name("CN=Peer leaf,C=RU"), k.open());
        Files.write(a.file(), b.build(Keys.signer(k)).getEncoded());
        return "request";
    }

    /** verify-request REQUEST */
    static String verifyRequest(Peer.Arguments a) throws Exception {
        var r = new PKCS10CertificationRequest(a.der());
        SubjectPublicKeyInfo k = Keys.complete(r.getSubjectPublicKeyInfo());
        if (!r.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider(Keys.PROVIDER).build(k))) {
            throw new SignatureException("the request's signature is wrong");
        }
        return "request";
    }

    /** make-crl CERT KEY OUT */
    static String makeCRL(Peer.Arguments a) throws Exception {
        X509CertificateHolder issuer = read(a);
        Keys.Pair k = readKey(a);
        var b = new X509v2CRLBuilder(issuer.getSubject(), inDays(-1));
        b.setNextUpdate(inDays(30));
        b.addCRLEntry(BigInteger.valueOf(99), inDays(-1), CRLReason.keyCompromise);
        b.addExtension(Extension.authorityKeyIdentifier, false,
                new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(issuer.getSubjectPublicKeyInfo()));
        b.addExtension(Extension.cRLNumber, false, new CRLNumber(BigInteger.ONE));
        Files.write(a.file(), b.build(Keys.signer(k)).getEncoded());
        return "list";
    }

    /** verify-crl LIST ISSUER */
    static String verifyCRL(Peer.Arguments a) throws Exception {
        var list = new X509CRLHolder(a.der());
        X509CertificateHolder issuer = read(a);
        if (!list.getIssuer().equals(issuer.getSubject()) || !list.isSignatureValid(verifier(issuer))) {
            throw new SignatureException("the list's signature is wrong");
        }
        Date now = new Date();
        if (now.before(list.getThisUpdate()) || now.after(list.getNextUpdate())) {
            throw new SignatureException("the list is not in force");
        }
        return "list";
    }

    /**
     * list-status LIST CERT ISSUER [COMPLETE]: what lists that are verified say about the certificate. With a complete
     * list the first one must be a delta list that changes it (RFC 5280, section 5.2.4).
     */
    static String listStatus(Peer.Arguments a) throws Exception {
        var list = new X509CRLHolder(a.der());
        X509CertificateHolder c = read(a);
        X509CertificateHolder issuer = read(a);
        inForce(list, issuer);
        X509CRLEntryHolder found = list.getRevokedCertificate(c.getSerialNumber());
        Extension base = list.getExtension(Extension.deltaCRLIndicator);
        if ((base != null) != a.more()) {
            throw new SignatureException("a delta list where none belongs, or none where one does");
        }
        if (base != null) {
            var complete = new X509CRLHolder(a.der());
            inForce(complete, issuer);
            BigInteger changed = CRLNumber.getInstance(base.getParsedValue()).getCRLNumber();
            if (changed.compareTo(number(complete)) > 0 || number(list).compareTo(number(complete)) <= 0) {
                throw new SignatureException("the delta list does not change this list");
            }
            found = found != null ? found : complete.getRevokedCertificate(c.getSerialNumber());
        }
        if (found == null) {
            return "good";
        }
        Extension why = found.getExtension(Extension.reasonCode);
        return "revoked" + (why == null ? "" : " " + reason(CRLReason.getInstance(why.getParsedValue()).getValue().intValue()));
    }

    private static BigInteger number(X509CRLHolder list) {
        return CRLNumber.getInstance(list.getExtension(Extension.cRLNumber).getParsedValue()).getCRLNumber();
    }

    private static void inForce(X509CRLHolder list, X509CertificateHolder issuer) throws Exception {
        if (!list.getIssuer().equals(issuer.getSubject()) || !list.isSignatureValid(verifier(issuer))) {
            throw new SignatureException("the list's signature is wrong");
        }
        Date now = new Date();
        if (now.before(list.getThisUpdate()) || now.after(list.getNextUpdate())) {
            throw new SignatureException("the list is not in force");
        }
    }

    /** The name of a reason as RFC 5280 writes it. */
    static String reason(int code) {
        String name = CRLReason.lookup(code).toString(); // "CRLReason: keyCompromise"
        return name.substring(name.indexOf(' ') + 1);
    }
}
