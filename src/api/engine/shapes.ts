// Generated from swagger-v1.51.yaml by scripts/generate-api.ts. Do not edit.
import type { StructShape } from "./decode.ts";

export const BODY_SHAPES = {
  "ContainerCreate": {
    "goType": "container.CreateRequest",
    "fields": {
      "Hostname": "string",
      "Domainname": "string",
      "User": "string",
      "AttachStdin": "boolean",
      "AttachStdout": "boolean",
      "AttachStderr": "boolean",
      "ExposedPorts": {
        "map": "empty"
      },
      "Tty": "boolean",
      "OpenStdin": "boolean",
      "StdinOnce": "boolean",
      "Env": {
        "list": "string"
      },
      "Cmd": {
        "list": "string"
      },
      "Healthcheck": {
        "goType": "HealthConfig",
        "fields": {
          "Test": {
            "list": "string"
          },
          "Interval": "integer",
          "Timeout": "integer",
          "Retries": "integer",
          "StartPeriod": "integer",
          "StartInterval": "integer"
        }
      },
      "ArgsEscaped": "boolean",
      "Image": "string",
      "Volumes": {
        "map": "empty"
      },
      "WorkingDir": "string",
      "Entrypoint": {
        "list": "string"
      },
      "NetworkDisabled": "boolean",
      "MacAddress": "string",
      "OnBuild": {
        "list": "string"
      },
      "Labels": {
        "map": "string"
      },
      "StopSignal": "string",
      "StopTimeout": "integer",
      "Shell": {
        "list": "string"
      },
      "HostConfig": {
        "goType": "HostConfig",
        "fields": {
          "CpuShares": "integer",
          "Memory": "integer",
          "CgroupParent": "string",
          "BlkioWeight": "integer",
          "BlkioWeightDevice": {
            "list": {
              "goType": "struct",
              "fields": {
                "Path": "string",
                "Weight": "integer"
              }
            }
          },
          "BlkioDeviceReadBps": {
            "list": {
              "goType": "ThrottleDevice",
              "fields": {
                "Path": "string",
                "Rate": "integer"
              }
            }
          },
          "BlkioDeviceWriteBps": {
            "list": {
              "goType": "ThrottleDevice",
              "fields": {
                "Path": "string",
                "Rate": "integer"
              }
            }
          },
          "BlkioDeviceReadIOps": {
            "list": {
              "goType": "ThrottleDevice",
              "fields": {
                "Path": "string",
                "Rate": "integer"
              }
            }
          },
          "BlkioDeviceWriteIOps": {
            "list": {
              "goType": "ThrottleDevice",
              "fields": {
                "Path": "string",
                "Rate": "integer"
              }
            }
          },
          "CpuPeriod": "integer",
          "CpuQuota": "integer",
          "CpuRealtimePeriod": "integer",
          "CpuRealtimeRuntime": "integer",
          "CpusetCpus": "string",
          "CpusetMems": "string",
          "Devices": {
            "list": {
              "goType": "DeviceMapping",
              "fields": {
                "PathOnHost": "string",
                "PathInContainer": "string",
                "CgroupPermissions": "string"
              }
            }
          },
          "DeviceCgroupRules": {
            "list": "string"
          },
          "DeviceRequests": {
            "list": {
              "goType": "DeviceRequest",
              "fields": {
                "Driver": "string",
                "Count": "integer",
                "DeviceIDs": {
                  "list": "string"
                },
                "Capabilities": {
                  "list": {
                    "list": "string"
                  }
                },
                "Options": {
                  "map": "string"
                }
              }
            }
          },
          "KernelMemoryTCP": "integer",
          "MemoryReservation": "integer",
          "MemorySwap": "integer",
          "MemorySwappiness": "integer",
          "NanoCpus": "integer",
          "OomKillDisable": "boolean",
          "Init": "boolean",
          "PidsLimit": "integer",
          "Ulimits": {
            "list": {
              "goType": "struct",
              "fields": {
                "Name": "string",
                "Soft": "integer",
                "Hard": "integer"
              }
            }
          },
          "CpuCount": "integer",
          "CpuPercent": "integer",
          "IOMaximumIOps": "integer",
          "IOMaximumBandwidth": "integer",
          "Binds": {
            "list": "string"
          },
          "ContainerIDFile": "string",
          "LogConfig": {
            "goType": "struct",
            "fields": {
              "Type": "string",
              "Config": {
                "map": "string"
              }
            }
          },
          "NetworkMode": "string",
          "PortBindings": {
            "map": {
              "list": {
                "goType": "PortBinding",
                "fields": {
                  "HostIp": "string",
                  "HostPort": "string"
                }
              }
            }
          },
          "RestartPolicy": {
            "goType": "RestartPolicy",
            "fields": {
              "Name": "string",
              "MaximumRetryCount": "integer"
            }
          },
          "AutoRemove": "boolean",
          "VolumeDriver": "string",
          "VolumesFrom": {
            "list": "string"
          },
          "Mounts": {
            "list": {
              "goType": "Mount",
              "fields": {
                "Target": "string",
                "Source": "string",
                "Type": "string",
                "ReadOnly": "boolean",
                "Consistency": "string",
                "BindOptions": {
                  "goType": "struct",
                  "fields": {
                    "Propagation": "string",
                    "NonRecursive": "boolean",
                    "CreateMountpoint": "boolean",
                    "ReadOnlyNonRecursive": "boolean",
                    "ReadOnlyForceRecursive": "boolean"
                  }
                },
                "VolumeOptions": {
                  "goType": "struct",
                  "fields": {
                    "NoCopy": "boolean",
                    "Labels": {
                      "map": "string"
                    },
                    "DriverConfig": {
                      "goType": "struct",
                      "fields": {
                        "Name": "string",
                        "Options": {
                          "map": "string"
                        }
                      }
                    },
                    "Subpath": "string"
                  }
                },
                "ImageOptions": {
                  "goType": "struct",
                  "fields": {
                    "Subpath": "string"
                  }
                },
                "TmpfsOptions": {
                  "goType": "struct",
                  "fields": {
                    "SizeBytes": "integer",
                    "Mode": "integer",
                    "Options": {
                      "list": {
                        "list": "string"
                      }
                    }
                  }
                }
              }
            }
          },
          "ConsoleSize": {
            "list": "integer"
          },
          "Annotations": {
            "map": "string"
          },
          "CapAdd": {
            "list": "string"
          },
          "CapDrop": {
            "list": "string"
          },
          "CgroupnsMode": "string",
          "Dns": {
            "list": "string"
          },
          "DnsOptions": {
            "list": "string"
          },
          "DnsSearch": {
            "list": "string"
          },
          "ExtraHosts": {
            "list": "string"
          },
          "GroupAdd": {
            "list": "string"
          },
          "IpcMode": "string",
          "Cgroup": "string",
          "Links": {
            "list": "string"
          },
          "OomScoreAdj": "integer",
          "PidMode": "string",
          "Privileged": "boolean",
          "PublishAllPorts": "boolean",
          "ReadonlyRootfs": "boolean",
          "SecurityOpt": {
            "list": "string"
          },
          "StorageOpt": {
            "map": "string"
          },
          "Tmpfs": {
            "map": "string"
          },
          "UTSMode": "string",
          "UsernsMode": "string",
          "ShmSize": "integer",
          "Sysctls": {
            "map": "string"
          },
          "Runtime": "string",
          "Isolation": "string",
          "MaskedPaths": {
            "list": "string"
          },
          "ReadonlyPaths": {
            "list": "string"
          }
        }
      },
      "NetworkingConfig": {
        "goType": "NetworkingConfig",
        "fields": {
          "EndpointsConfig": {
            "map": {
              "goType": "EndpointSettings",
              "fields": {
                "IPAMConfig": {
                  "goType": "EndpointIPAMConfig",
                  "fields": {
                    "IPv4Address": "string",
                    "IPv6Address": "string",
                    "LinkLocalIPs": {
                      "list": "string"
                    }
                  }
                },
                "Links": {
                  "list": "string"
                },
                "MacAddress": "string",
                "Aliases": {
                  "list": "string"
                },
                "DriverOpts": {
                  "map": "string"
                },
                "GwPriority": "integer",
                "NetworkID": "string",
                "EndpointID": "string",
                "Gateway": "string",
                "IPAddress": "string",
                "IPPrefixLen": "integer",
                "IPv6Gateway": "string",
                "GlobalIPv6Address": "string",
                "GlobalIPv6PrefixLen": "integer",
                "DNSNames": {
                  "list": "string"
                }
              }
            }
          }
        }
      }
    }
  },
  "ContainerExec": {
    "goType": "container.ExecOptions",
    "fields": {
      "AttachStdin": "boolean",
      "AttachStdout": "boolean",
      "AttachStderr": "boolean",
      "ConsoleSize": {
        "list": "integer"
      },
      "DetachKeys": "string",
      "Tty": "boolean",
      "Env": {
        "list": "string"
      },
      "Cmd": {
        "list": "string"
      },
      "Privileged": "boolean",
      "User": "string",
      "WorkingDir": "string"
    }
  },
  "ExecStart": {
    "goType": "container.ExecStartOptions",
    "fields": {
      "Detach": "boolean",
      "Tty": "boolean",
      "ConsoleSize": {
        "list": "integer"
      }
    }
  },
  "ImageCommit": {
    "goType": "container.CreateRequest",
    "fields": {
      "Hostname": "string",
      "Domainname": "string",
      "User": "string",
      "AttachStdin": "boolean",
      "AttachStdout": "boolean",
      "AttachStderr": "boolean",
      "ExposedPorts": {
        "map": "empty"
      },
      "Tty": "boolean",
      "OpenStdin": "boolean",
      "StdinOnce": "boolean",
      "Env": {
        "list": "string"
      },
      "Cmd": {
        "list": "string"
      },
      "Healthcheck": {
        "goType": "HealthConfig",
        "fields": {
          "Test": {
            "list": "string"
          },
          "Interval": "integer",
          "Timeout": "integer",
          "Retries": "integer",
          "StartPeriod": "integer",
          "StartInterval": "integer"
        }
      },
      "ArgsEscaped": "boolean",
      "Image": "string",
      "Volumes": {
        "map": "empty"
      },
      "WorkingDir": "string",
      "Entrypoint": {
        "list": "string"
      },
      "NetworkDisabled": "boolean",
      "MacAddress": "string",
      "OnBuild": {
        "list": "string"
      },
      "Labels": {
        "map": "string"
      },
      "StopSignal": "string",
      "StopTimeout": "integer",
      "Shell": {
        "list": "string"
      }
    }
  }
} as const satisfies Record<string, StructShape>;
