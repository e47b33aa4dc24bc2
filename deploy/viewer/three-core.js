// What a module of a miner may be handed, and what bakes its scene; no renderer, no loader that reads addresses.
export * as THREE from "three";
export { GLTFExporter } from "./node_modules/three/examples/jsm/exporters/GLTFExporter.js";
