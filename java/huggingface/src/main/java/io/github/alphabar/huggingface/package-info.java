// SPDX-FileCopyrightText: the alphabar contributors
// SPDX-License-Identifier: Apache-2.0
/**
 * Hugging Face formats and PyTorch seeds: moving from diffusers.
 *
 * <pre>{@code
 * LoadedScheduler scheduler = new LoadedScheduler(SchedulerConfig.read(Path.of("scheduler/scheduler_config.json")));
 * SamplingPlan plan = scheduler.plan(LoadedScheduler.Run.steps(20));
 * }</pre>
 *
 * The plan is that of diffusers 0.40.0.dev0 for the same file, row by row; {@code plan.toTable()} prints it.
 *
 * <h2>Classes</h2>
 *
 * <table>
 * <caption>Scheduler classes</caption>
 * <thead>
 * <tr><th scope="col">diffusers</th><th scope="col">loaded as</th><th scope="col">without quirks, in the native API</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">DDPMScheduler</th><td>{@link SchedulerClass#DDPM}</td><td>{@link io.github.alphabar.solver.Ddpm}</td></tr>
 * <tr><th scope="row">DDIMScheduler</th><td>{@link SchedulerClass#DDIM}</td><td>{@link io.github.alphabar.solver.Ddim}</td></tr>
 * <tr><th scope="row">DDIMInverseScheduler</th><td>{@link SchedulerClass#DDIM_INVERSE}</td>
 * <td>{@link io.github.alphabar.solver.Ddim} on a grid from clean to noisy</td></tr>
 * <tr><th scope="row">PNDMScheduler</th><td>{@link SchedulerClass#PNDM}</td><td>{@link io.github.alphabar.solver.Plms}</td></tr>
 * <tr><th scope="row">DPMSolverMultistepScheduler</th><td>{@link SchedulerClass#DPM_MULTISTEP}</td>
 * <td>{@link io.github.alphabar.solver.DpmSolver}</td></tr>
 * <tr><th scope="row">DPMSolverMultistepInverseScheduler</th><td>{@link SchedulerClass#DPM_MULTISTEP_INVERSE}</td>
 * <td>{@link io.github.alphabar.solver.DpmSolver} on a grid from clean to noisy</td></tr>
 * <tr><th scope="row">DPMSolverSinglestepScheduler</th><td>{@link SchedulerClass#DPM_SINGLESTEP}</td>
 * <td>{@link io.github.alphabar.solver.DpmSolverSinglestep}</td></tr>
 * </tbody>
 * </table>
 *
 * A file of another class, an Euler scheduler's for instance, can be loaded into one of these with
 * {@link SchedulerConfig#parse(String, SchedulerClass)}: keys both have are taken over, the others are kept and written back. The
 * configurations of well-known models are in {@link Preset}.
 *
 * <h2>Arguments</h2>
 *
 * <table>
 * <caption>Calls and their arguments</caption>
 * <thead>
 * <tr><th scope="col">diffusers</th><th scope="col">here</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">from_pretrained, from_config</th><td>{@link SchedulerConfig#read}, {@link SchedulerConfig#parse(String)},
 * {@link SchedulerConfig#into}</td></tr>
 * <tr><th scope="row">from_config(config, key=value)</th><td>{@link SchedulerConfig#with}</td></tr>
 * <tr><th scope="row">save_pretrained</th><td>{@link SchedulerConfig#toJson}, the same bytes</td></tr>
 * <tr><th scope="row">warnings about keys</th><td>{@link SchedulerConfig#report}</td></tr>
 * <tr><th scope="row">set_timesteps(n), set_timesteps(timesteps=[...])</th><td>{@link LoadedScheduler.Run#steps(int)},
 * {@link LoadedScheduler.Run#timesteps(java.util.List)}</td></tr>
 * <tr><th scope="row">set_timesteps(mu=...)</th><td>{@code mu} of {@link LoadedScheduler.Run}</td></tr>
 * <tr><th scope="row">set_begin_index</th><td>{@code firstStep} of {@link LoadedScheduler.Run}</td></tr>
 * <tr><th scope="row">timesteps</th><td>{@link LoadedScheduler#timesteps}</td></tr>
 * <tr><th scope="row">init_noise_sigma</th><td>{@link io.github.alphabar.plan.SamplingPlan#initialSigma}</td></tr>
 * <tr><th scope="row">step(output, t, sample)</th><td>{@code advance(output)} of {@link io.github.alphabar.sampling.Trajectory}, which
 * knows t and the sample</td></tr>
 * <tr><th scope="row">step(eta=, use_clipped_model_output=)</th><td>{@code eta} and {@code useClippedModelOutput} of
 * {@link LoadedScheduler.Run}</td></tr>
 * <tr><th scope="row">step(generator=), step(variance_noise=)</th><td>a {@link io.github.alphabar.sampling.NoiseSource} of the
 * trajectory</td></tr>
 * <tr><th scope="row">pred_original_sample</th><td>{@code preview} of the trajectory's builder</td></tr>
 * <tr><th scope="row">add_noise, get_velocity</th><td>{@link LoadedScheduler#noiseLevel} and
 * {@link io.github.alphabar.sampling.ForwardProcess}</td></tr>
 * <tr><th scope="row">guidance_scale of a pipeline</th><td>{@code guidance} of {@link LoadedScheduler.Run}</td></tr>
 * </tbody>
 * </table>
 *
 * <h2>Quirks</h2>
 *
 * What diffusers does and the native API does not. Each is on unless {@link LoadedScheduler#LoadedScheduler(SchedulerConfig,
 * java.util.Set)} leaves it out; each says what happens then.
 *
 * <ul>
 * <li>{@link Quirk#FLOAT32_TABLES}: tables are float32.</li>
 * <li>{@link Quirk#FLOAT32_COEFFICIENTS}: coefficients are computed in float32, operation by operation.</li>
 * <li>{@link Quirk#STRIDE_PREVIOUS_TIMESTEP}: DDIM, its inverse and PNDM step down by T div N, not to the next timestep.</li>
 * <li>{@link Quirk#FLOAT_RANGE_TRAILING}: trailing spacing has one timestep too many for 62 values of N.</li>
 * <li>{@link Quirk#DPM_EXTRA_POINT}: the DPM family spaces one point more and drops the cleanest.</li>
 * <li>{@link Quirk#WHOLE_TIMESTEPS}: the network is told rounded or truncated times of the sigmas.</li>
 * <li>{@link Quirk#LOWER_ORDER_BELOW_15}: lower_order_final is for fewer than 15 steps.</li>
 * <li>{@link Quirk#THIRD_ORDER_AS_PUBLISHED}: third-order formulas that are not of third order.</li>
 * <li>{@link Quirk#ZERO_SNR_FLOOR}: the DPM family never starts at zero terminal SNR.</li>
 * <li>{@link Quirk#NOISE_INTO_CLEAN}: DDPM may add noise in the step to the clean level.</li>
 * <li>{@link Quirk#CLIPPED_INFINITE_X0}: epsilon predictions at zero terminal SNR are clipped to the sign of x - eps.</li>
 * <li>{@link Quirk#PNDM_COMBINES_RAW_V}: PNDM combines v predictions before it converts them.</li>
 * </ul>
 *
 * <h2>What is refused</h2>
 *
 * Settings with which diffusers fails or gives NaN, and settings it silently replaces, are refused with an
 * {@link IllegalArgumentException} that names the key, on reading where that is possible; <a href="doc-files/errors.html">a table</a>
 * has all 94 recorded cases and the reasons. Where the reference gives NaN because a difference of equal numbers falls below zero, the
 * result here is finite.
 *
 * <h2>Seeds</h2>
 *
 * {@link TorchCpuGenerator} draws what {@code torch.randn(..., generator=torch.Generator("cpu").manual_seed(seed))} draws, so the
 * initial noise of a pipeline with a CPU generator can be repeated. Without it a trajectory draws its own noise, the same on every
 * backend. Noise of a CUDA generator is not repeated.
 *
 * <h2>Recorded traces</h2>
 *
 * {@link TraceReplay} compares plans with recorded runs of diffusers and of the authors' codes, step by step and from start to end.
 * What a step is held to, relative to max(1, |x|):
 *
 * <table>
 * <caption>Tolerances</caption>
 * <thead>
 * <tr><th scope="col">variant</th><th scope="col">a step</th><th scope="col">a whole run</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">x64</th><td>1e-12 (1e-9 where the recording is flagged as badly conditioned)</td><td>1e-9</td></tr>
 * <tr><th scope="row">f32, f64</th><td>2e-6; 7e-6 for the authors' codes</td><td>1e-4, unless flagged</td></tr>
 * </tbody>
 * </table>
 *
 * In F32 a row whose terms are large and cancel, where float32 has no such digits, is held to 4 ulp of its largest term instead; so is
 * a predicted x0, which divides by alpha. The report names each such row's case.
 */
package io.github.alphabar.huggingface;
