import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SignatureException;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.ess.ESSCertIDv2;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.util.Arrays;
import org.bouncycastle.util.CollectionStore;

/** CMS SignedData. */
final class Messages {
    private Messages() {}

    /** sign attached|detached|cades DOCUMENT OUT (KEY CERT)...; cades is detached and names the certificate. */
    static String sign(Peer.Arguments a) throws Exception {
        String form = a.text();
        boolean attached = form.equals("attached");
        var content = new CMSProcessableByteArray(a.bytes());
        Path out = a.file();
        var digests = new JcaDigestCalculatorProviderBuilder().setProvider(Keys.PROVIDER).build();
        var g = new CMSSignedDataGenerator();
        List<X509CertificateHolder> certs = new ArrayList<>();
        while (a.more()) {
            Keys.Pair k = Certificates.readKey(a);
            X509CertificateHolder c = Certificates.read(a);
            var signer = new JcaSignerInfoGeneratorBuilder(digests);
            if (form.equals("cades")) {
                signer.setSignedAttributeGenerator(new DefaultSignedAttributeTableGenerator(signingCertificate(c)));
            }
            g.addSignerInfoGenerator(signer.build(Keys.signer(k), c));
            certs.add(c);
        }
        g.addCertificates(new CollectionStore<>(certs));
        Files.write(out, g.generate(content, attached).toASN1Structure().getEncoded("DER"));
        return certs.size() + " signatures";
    }

    private static AttributeTable signingCertificate(X509CertificateHolder c) throws Exception {
        byte[] digest = Authority.digest(Authority.STREEBOG_256, c.getEncoded());
        var id = new ESSCertIDv2(new AlgorithmIdentifier(Authority.STREEBOG_256), digest);
        var value = new DERSet(new SigningCertificateV2(id));
        return new AttributeTable(new DERSet(new Attribute(PKCSObjectIdentifiers.id_aa_signingCertificateV2, value)));
    }

    /** verify-message attached|detached SIGNATURE DOCUMENT ROOT SUB SIGNERS: every signature and every signer's chain. */
    static String verify(Peer.Arguments a) throws Exception {
        boolean attached = a.text().equals("attached");
        byte[] der = a.der();
        byte[] document = a.bytes();
        X509CertificateHolder root = Certificates.read(a);
        X509CertificateHolder sub = Certificates.read(a);
        int signers = Integer.parseInt(a.text());
        var s = attached ? new CMSSignedData(der) : new CMSSignedData(new CMSProcessableByteArray(document), der);
        if (attached && !Arrays.areEqual((byte[]) s.getSignedContent().getContent(), document)) {
            throw new SignatureException("another document is inside");
        }
        if (s.getSignerInfos().size() != signers) {
            throw new SignatureException(s.getSignerInfos().size() + " signatures");
        }
        for (SignerInformation i : s.getSignerInfos()) {
            X509CertificateHolder c = signer(s, i);
            Certificates.path(root, sub, c);
            if (!i.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(Keys.PROVIDER).build(c))) {
                throw new SignatureException("a signature is wrong");
            }
        }
        return signers + " signatures";
    }

    @SuppressWarnings("unchecked")
    private static X509CertificateHolder signer(CMSSignedData s, SignerInformation i) throws SignatureException {
        for (Object c : s.getCertificates().getMatches(i.getSID())) {
            return (X509CertificateHolder) c;
        }
        throw new SignatureException("the signer's certificate is not inside");
    }
}
