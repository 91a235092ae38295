import type { SettingsReader } from "./settings-reader.ts";

/** A bucket that a registry keeps everything in. */
export interface BucketConfig {
  readonly bucket: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly prefix: string | undefined;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** A file with the secret, so that it need not stand in the configuration. */
  readonly secretAccessKeyFile: string | undefined;
}

/** The key `s3`. Where it is left out, the root folder is what everything is kept in. */
export function readBucket(reader: SettingsReader): BucketConfig | undefined {
  return reader.object("s3", (s3) => {
    const prefix = s3.text("prefix");
    if (prefix !== undefined && !/^[\w.-]+(?:\/[\w.-]+)*$/.test(prefix))
      throw s3.refuse("prefix", "has to be names with slashes between them, such as team/registry");
    const secretAccessKeyFile = s3.path("secret-access-key-file");
    return {
      bucket: s3.requiredText("bucket"),
      endpoint: s3.url("endpoint"),
      region: s3.text("region"),
      prefix,
      accessKeyId: s3.requiredText("access-key-id"),
      secretAccessKey: secretAccessKeyFile === undefined ? s3.requiredText("secret-access-key") : "",
      secretAccessKeyFile,
    };
  });
}
